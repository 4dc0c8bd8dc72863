import { agent, covered, in_, type Mutation } from "./mutation.ts";

/** The claim and the handler's verdicts. */
export const CLAIMS: readonly Mutation[] = [
  ...in_(agent("claim.ts"), [
    [
      "a claim whose release is begun is relied on",
      "release",
      "return won.find((key) => !has(notes.releasing, key)) ?? null;",
      "return won[0] ?? null;",
    ],
    [
      "claims of a given-up tree are kept",
      "incarnation",
      "const keep = (keys: ClaimKey[]) => keys.filter((key) => key.incarnation === token);",
      "const keep = (keys: ClaimKey[]) => [...keys];",
    ],
    [
      "a claim in another tree is relied on",
      "incarnation",
      "notes.won.filter((key) => key.incarnation === notes.adopted && key.gen === gen);",
      "notes.won.filter((key) => key.gen === gen);",
      covered("the giving up, which drops every claim of another tree"),
    ],
    [
      "no intent is noted",
      "intent",
      'return ask({ ...notes, intents: add(notes.intents, run.key) }, { ...run, step: "move" });',
      'return ask(notes, { ...run, step: "move" });',
    ],
    [
      "a claim of ours whose release is begun is taken for won",
      "claim",
      'if (has(notes.releasing, run.key)) return ask(notes, { ...run, step: "release" });\n',
      "",
    ],
    [
      "who only looks may win",
      "lock 4",
      'if (run.purpose === "look") return end(notes, "undecided");\n  // Ours',
      "// Ours",
      covered(
        "the handler, which tells a disarmed node nothing else than undecided",
        "a copy whose disk had failed wins nothing by looking",
        "a disarmed copy promotes",
        "a disarmed node is told that it won",
      ),
    ],
    [
      "a claim without an owner is passed by",
      "trace 12",
      "if (status === 404) {\n    // The folder exists",
      "if (status === 404) {\n    if (status === 404) return next(notes, run);\n    // The folder exists",
    ],
    [
      "another's claim is passed by before it is released",
      "claim",
      'if (status === 404) return run.purpose === "tidy" ? finished(notes, run) : end(notes, "lost");',
      "if (status === 404) return next(notes, run);",
    ],
    [
      "a claim is released without a note",
      "release",
      "return ask({ ...remembered, releasing: add(notes.releasing, run.key) }",
      "return ask(remembered",
    ],
  ]),
  ...in_(agent("claiming.ts"), [
    [
      "intents are not finished",
      "trace 8",
      "const intent = unfinished(d.s.notes, volume.gen);",
      "const intent = null as ReturnType<typeof unfinished>;",
    ],
    ["claims are released while apart", "release", "if (!together(d.s) || d.s.witnessHeld", "if (d.s.witnessHeld"],
    [
      "a disarmed node claims",
      "lock 4",
      'launch(d, mayWin(d.s) ? "claim" : "look", key)',
      'launch(d, "claim", key)',
      covered("the handler, which tells a disarmed node nothing else than undecided"),
    ],
    [
      "a question goes on after its reason is gone",
      "claim",
      'if (run.purpose === "tidy" || run.purpose === "stage") return together(s);\n  return mayClaim(s) && mayWin(s) === (run.purpose === "claim");',
      "return true;",
      covered("the intents: what is won without need is finished and released together"),
    ],
  ]),
  ...in_(agent("verdict.ts"), [
    [
      "a Primary without a whole disk is told that it won",
      "trace 11",
      'if (s.local.volume.disk !== "UpToDate") return { verdict: "undecided", reason: "this disk is not UpToDate" };\n',
      "",
      covered(
        "the reading: such a node has no generation, so no claim is its own; and the note of its failed disk, which disarms it",
        "a holder that loses its disk after its claim does not go on",
        "a node without a disk knows a generation",
        "a disarmed node is told that it won",
      ),
    ],
    [
      "a disarmed node is told that it won",
      "lock 4",
      "if (armed(s) && mayGoOn(s)) {",
      "if (mayGoOn(s)) {",
      covered(
        "the claim, for which a disarmed node only looks, and its disk, where that has failed",
        "a holder that loses its disk after its claim does not go on",
        "a node without a disk knows a generation",
        "a Primary without a whole disk is told that it won",
      ),
    ],
    [
      "a promotion is allowed whatever the disk",
      "handler",
      'const diskWillDo = volume.disk === "UpToDate" || volume.disk === "Consistent";',
      "const diskWillDo = true;",
      covered(
        "DRBD, which promotes no other copy, and the claim, for which no other asks",
        "half a copy does not go on alone",
        "a SyncTarget is not disarmed",
        "any copy claims",
        "a copy with a claim promotes whatever its disk",
        "DRBD promotes any copy",
      ),
    ],
  ]),
];
