import { agent, covered, in_, type Mutation } from "./mutation.ts";

/** The operator's override, and what keeps it from harming whoever did not type it. */
export const OVERRIDE: readonly Mutation[] = [
  ...in_(agent("alone.ts"), [
    [
      "a claim that was won before a boot is relied on at once",
      "override",
      "return !fresh(s) || byItself || s.sibling !== null;",
      "return true;",
    ],
    [
      "an agent that starts uses an override before it has looked for the sibling",
      "override",
      "(overridden(s) && gone(s) && !claimIsComing(s));",
      "(overridden(s) && !claimIsComing(s));",
    ],
    [
      "an override is used although the claim can be had",
      "override",
      "(overridden(s) && gone(s) && !claimIsComing(s));",
      "(overridden(s) && gone(s));",
      covered("the claim is then made good at once; asking first only spares the words"),
    ],
  ]),
  ...in_(agent("override.ts"), [
    [
      "an override outlives an answer of the sibling",
      "override",
      "heard !== true && sibling === null && whole",
      "heard !== true && whole",
    ],
    [
      "an override outlives packets of the sibling",
      "override",
      "overridden(d.s) && heard !== true && sibling",
      "overridden(d.s) && sibling",
    ],
  ]),
  ...in_(agent("learn.ts"), [
    [
      "a split brain is left for DRBD to find",
      "rule 11",
      "const diverged = whole && left !== null && hello.left === left && hello.gen !== gen;",
      "const diverged = false as boolean;",
    ],
    [
      "nobody remembers that the sibling has left this generation",
      "override",
      '  if (gen !== null && hello.left === gen && hello.connection !== "Connected") d.note({ ...d.s.notes, superseded: gen });\n',
      "",
    ],
  ]),
  ...in_(agent("claiming.ts"), [
    [
      "the claim on what was overridden is not made good",
      "override",
      "  const owed = owedClaim(d.s);",
      "  const owed = null;",
    ],
  ]),
  ...in_(agent("state.ts"), [
    [
      "an override outlives its boot",
      "override",
      "override !== null && override.gen === volume.gen && override.bootId === bootId;",
      "override !== null && override.gen === volume.gen;",
    ],
    [
      "a copy that was overridden stays disarmed",
      "override",
      "!s.notes.diskFailed) || overridden(s) || overrideUsed(s);",
      "!s.notes.diskFailed);",
    ],
  ]),
];
