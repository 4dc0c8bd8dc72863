import { agent, in_, type Mutation } from "./mutation.ts";

/** What is made of the sibling's and of the witness's word. */
export const HANDSHAKE: readonly Mutation[] = [
  ...in_(agent("handshake.ts"), [
    [
      "the door opens although the sibling's T lives",
      "lock 5 (a)",
      'return hello.t === "dead" && comparable;',
      "return comparable;",
    ],
    [
      "the door opens to an equal without a disk",
      "decision 012",
      'return hello.t === "dead" && comparable;',
      'return hello.t === "dead";',
    ],
    [
      "a sibling that believes it is Connected is no reason to wait",
      "lock 5",
      'if (volume.frozen || hello.connection === "Connected") return false;',
      "if (volume.frozen) return false;",
    ],
    [
      "the door opens to a Primary that is not thawed",
      "lock 5 (b)",
      'return !hello.frozen && (hello.peerDisk === "Outdated" || hello.peerDisk === "Inconsistent");',
      'return hello.peerDisk === "Outdated" || hello.peerDisk === "Inconsistent";',
    ],
    [
      "the door opens to a Primary that has no claim",
      "lock 5 (b)",
      'return !hello.frozen && (hello.peerDisk === "Outdated" || hello.peerDisk === "Inconsistent");',
      "return !hello.frozen;",
    ],
    [
      "the door opens to a frozen winner",
      "lock 5 (c)",
      'hello.claim !== "won" &&\n    hello.claim !== "lost" &&',
      'hello.claim !== "lost" &&',
    ],
    [
      "the door opens to a frozen loser",
      "lock 5 (c)",
      'hello.claim !== "won" &&\n    hello.claim !== "lost" &&',
      'hello.claim !== "won" &&',
    ],
    [
      "the door opens to a frozen Primary of another generation",
      "lock 5 (c)",
      'hello.gen === volume.gen &&\n    volume.role === "Secondary" &&',
      'volume.role === "Secondary" &&',
    ],
    [
      "a rebooted copy meets a frozen Primary",
      "lock 5 (c)",
      "!fresh(s) &&\n    reliedOn(s.notes, volume.gen) === null",
      "reliedOn(s.notes, volume.gen) === null",
    ],
    [
      "a copy that owns the claim meets a frozen Primary",
      "lock 5 (c)",
      "!fresh(s) &&\n    reliedOn(s.notes, volume.gen) === null",
      "!fresh(s)",
    ],
    [
      "a frozen node does not wait for a sibling that believes it is Connected",
      "lock 5",
      'if (hello.connection === "Connected") return "wait";',
      "",
    ],
    [
      "the generation that the sibling left says nothing",
      "rule 5",
      'if (gen !== null && hello.left === gen) return "lost";',
      "",
    ],
    [
      "a frozen node treats a Primary sibling like any other",
      "lock 5",
      'if (hello.role !== "Secondary" || withoutDisk(hello.disk)) return "wait";',
      'if (withoutDisk(hello.disk)) return "wait";',
    ],
    [
      "a frozen node lets go for a sibling without a disk",
      "decision 012",
      'if (hello.role !== "Secondary" || withoutDisk(hello.disk)) return "wait";',
      'if (hello.role !== "Secondary") return "wait";',
    ],
    [
      "a sibling of another generation that is behind is as good as a claim",
      "lock 5",
      "if (hello.gen === gen && siblingBehind &&",
      "if (siblingBehind &&",
    ],
    [
      "a frozen node meets a rebooted sibling",
      "lock 5",
      'hello.disk === "UpToDate" && !hello.fresh && hello.claim !== "won") return "meet";',
      'hello.disk === "UpToDate" && hello.claim !== "won") return "meet";',
    ],
    [
      "a frozen node meets a sibling that owns the claim",
      "lock 5",
      'hello.disk === "UpToDate" && !hello.fresh && hello.claim !== "won") return "meet";',
      'hello.disk === "UpToDate" && !hello.fresh) return "meet";',
    ],
    [
      "a node is armed again by any answer",
      "lock 4",
      "return sees ? s.local.disarmed.filter",
      "return sees || true ? s.local.disarmed.filter",
    ],
    [
      "a node is armed again by an answer to an older question",
      "lock 4",
      "s.local.disarmed.filter((note) => hello.echo.includes(note)) : [];",
      "s.local.disarmed : [];",
    ],
  ]),
  ...in_(agent("learn.ts"), [
    ["an answer to any question counts", "lock 5", "if (event.id !== d.s.exchange) return;", ""],
    [
      "an answer outlives its connection",
      "lock 5",
      "if (connected(d.s) !== connected(d.before)) {",
      "if (false as boolean) {",
    ],
    [
      "a tree is adopted while apart",
      "incarnation",
      "if (shows === null || shows === d.s.notes.adopted || !together(d.s)) return;",
      "if (shows === null || shows === d.s.notes.adopted) return;",
    ],
    [
      "a tree is adopted whatever the sibling says",
      "incarnation",
      "&& d.s.notes.adopted === null && hello.nothingBut === nothingBut) {",
      "&& d.s.notes.adopted === null) {",
    ],
    [
      "a tree is adopted as soon as it is seen",
      "incarnation",
      "d.note(giveUpAllBut(d.s.notes, shows));",
      "d.note({ ...giveUpAllBut(d.s.notes, shows), adopted: shows });",
    ],
    [
      "a tree is adopted without looking again",
      "incarnation",
      "      d.s.mayAdopt = nothingBut;\n".replace("      ", "    "),
      "    d.note({ ...d.s.notes, adopted: nothingBut });\n",
    ],
    ["a node that could rely on a claim meets", "lock 5", "|| reliedOnNow(d.s)) return;", ") return;"],
    [
      "the sibling's word decides before the witness",
      "lock 5",
      "if (witnessMayDecide || reliedOn(d.s.notes, volume.gen) !== null) return;",
      "if (reliedOn(d.s.notes, volume.gen) !== null) return;",
    ],
    [
      "a frozen winner listens to its sibling",
      "lock 5",
      "if (witnessMayDecide || reliedOn(d.s.notes, volume.gen) !== null) return;",
      "if (witnessMayDecide) return;",
    ],
    [
      "a refused connection is tried again without a handshake",
      "rule 10",
      "if (d.s.heard === false || refused) d.s.meeting = false;",
      "if (d.s.heard === false) d.s.meeting = false;",
    ],
  ]),
];
