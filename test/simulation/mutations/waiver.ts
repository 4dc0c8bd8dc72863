import { agent, covered, in_, type Mutation } from "./mutation.ts";

/** The promise to wait while the witness is away, and how it is taken back. */
export const WAIVER: readonly Mutation[] = [
  ...in_(agent("waiver.ts"), [
    [
      "the promise is not durable",
      "waiver",
      "    d.note({ ...d.s.notes, waived: gen });",
      "    d.s.notes = { ...d.s.notes, waived: gen };",
    ],
    [
      "the holder's note of the promise is not durable",
      "waiver",
      "    d.note({ ...d.s.notes, waiver: gen });",
      "    d.s.notes = { ...d.s.notes, waiver: gen };",
    ],
    [
      "the holder gives the waiver up while it is apart, having thawed with it",
      "trace 17",
      'if (hello.waived === "back" && hello.gen === gen && together(d.s)) return gaveBack(d);',
      'if (hello.waived === "back" && hello.gen === gen) return gaveBack(d);',
    ],
    [
      "the promise is taken back without an acknowledgement",
      "waiver",
      'if (hello.waiver === "returned" && d.s.asksBack && waives(d.s)) {',
      "if (d.s.asksBack && waives(d.s)) {",
    ],
    [
      "the promise is taken back by an acknowledgement that is older than it",
      "waiver",
      '  if (words.waived === "yes") d.s.asksBack = false;\n',
      "",
    ],
    ["a promise counts that is older than its return", "waiver", "  d.s.exchange = null;\n  return {", "  return {"],
    ["a node that has promised still claims", "waiver", "armed(s) && !waives(s);", "armed(s);"],
    [
      "nobody asks for a waiver",
      "waiver",
      'holdsWaiver(s) ? "held" : wantsWaiver(s) ? "wanted" : "none"',
      'holdsWaiver(s) ? "held" : "none"',
    ],
    [
      "the promise is never asked back",
      "waiver",
      'wantsBack(s) ? "back" : waives(s) ? "yes" : "no"',
      'waives(s) ? "yes" : "no"',
    ],
    [
      "only a witness that is back brings the promise back",
      "waiver",
      "(witnessTrusted(s) || holder(s));",
      "witnessTrusted(s);",
      covered("the witness, when it is back; until then a new holder that had promised waits for its sibling"),
    ],
  ]),
  ...in_(agent("claim.ts"), [
    [
      "a node that has promised relies on a claim that it won before",
      "trace 17",
      " || gen === notes.superseded || gen === notes.waived) return null;",
      " || gen === notes.superseded) return null;",
    ],
  ]),
];
