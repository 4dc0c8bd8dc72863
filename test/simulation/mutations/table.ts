import { agent, in_, type Mutation } from "./mutation.ts";

/** Conditions inside the decision table. */
export const TABLE: readonly Mutation[] = [
  ...in_(agent("rules.ts"), [
    [
      "a claim is asked for while the halves are about to meet",
      "lock 5",
      "if (connected(s) || s.meeting || volume.gen",
      "if (connected(s) || volume.gen",
    ],
    [
      "a claim is asked for again after it was lost",
      "lock 2",
      "!== null || s.lost === volume.gen) return false;\n  // A diskless",
      "!== null) return false;\n  // A diskless",
    ],
    [
      "a frozen Primary claims whatever its disk",
      "trace 11",
      'if (volume.frozen) return volume.disk === "UpToDate";',
      "if (volume.frozen) return true;",
    ],
    [
      "a Secondary claims while DRBD looks for its sibling",
      "lock 5",
      'if (volume.role !== "Secondary" || volume.connection !== "StandAlone") return false;',
      'if (volume.role !== "Secondary") return false;',
    ],
    [
      "any copy claims",
      "rule 8",
      'const copyWillDo = volume.disk === "Consistent" || (volume.disk === "UpToDate" && !siblingBehind(volume));',
      "const copyWillDo = true;",
    ],
    [
      "a Secondary claims although it hears its sibling",
      "rule 2",
      "((s.heard === false && waited(s)) || nobodyToMeet(s));",
      "waited(s);",
    ],
    [
      "nobody waits",
      "rule 2",
      "((s.heard === false && waited(s)) || nobodyToMeet(s));",
      "(s.heard === false || nobodyToMeet(s));",
    ],
    [
      "a disarmed copy promotes",
      "lock 4",
      "|| s.meeting || !armed(s) || volume.splitBrain) return false;",
      "|| s.meeting || volume.splitBrain) return false;",
    ],
    [
      "a copy promotes while the halves are about to meet",
      "lock 5",
      'if (volume.role !== "Secondary" || connected(s) || s.meeting || !armed(s)',
      'if (volume.role !== "Secondary" || connected(s) || !armed(s)',
    ],
    [
      "a copy with a claim promotes whatever its disk",
      "rule 8",
      '  if (volume.disk !== "UpToDate" && volume.disk !== "Consistent") return false;\n  if (reliedOn',
      "  if (reliedOn",
    ],
    [
      "a copy that is ahead promotes beside a sibling that answers",
      "rule 8",
      'return volume.disk === "UpToDate" && siblingBehind(volume) && gone;',
      'return volume.disk === "UpToDate" && siblingBehind(volume);',
    ],
    [
      "a disarmed copy promotes when connected",
      "rule 9",
      'if (!armed(s) || volume.disk !== "UpToDate" || volume.frozen ||',
      'if (volume.disk !== "UpToDate" || volume.frozen ||',
    ],
    [
      "a SyncTarget promotes when connected",
      "rule 9",
      'if (!armed(s) || volume.disk !== "UpToDate" || volume.frozen ||',
      "if (!armed(s) || volume.frozen ||",
    ],
    [
      "a copy promotes for having met a sibling without a disk",
      "trace 22",
      "volume.frozen || withoutDisk(volume.peerDisk)) return false;",
      "volume.frozen) return false;",
    ],
    [
      "a copy that a sibling without a disk keeps waiting does not ask the witness",
      "decision 012",
      "((s.heard === false && waited(s)) || nobodyToMeet(s));",
      "s.heard === false && waited(s);",
    ],
    [
      "node two takes the volume at once when connected",
      "rule 9",
      'return s.settings.index === 0 || volume.peerDisk !== "UpToDate" || fired(s, "orphan");',
      "return true;",
    ],
    [
      "T is started by a disarmed holder",
      "lock 4",
      'volume.disk === "UpToDate" && armed(s);\n}',
      'volume.disk === "UpToDate";\n}',
    ],
    [
      "T is wanted on a frozen volume",
      "rule 5",
      "return holder(s) && !volume.frozen && !volume.splitBrain",
      "return holder(s) && !volume.splitBrain",
    ],
    [
      "node two hands over before both copies are whole",
      "rule 7",
      "return holder(s) && together(s) && armed(s) && s.sibling !== null &&",
      "return holder(s) && armed(s) && s.sibling !== null &&",
    ],
    [
      "node two hands over whatever node one's member does",
      "rule 7",
      "armed(s) && s.sibling !== null && readyForHandOver(s, s.sibling)",
      "armed(s) && s.sibling !== null",
    ],
    [
      "the leader is moved before the hand-over",
      "rule 1",
      "if (!here || handOverFirst || !together(s)",
      "if (!here || !together(s)",
    ],
    [
      "a holder whose claim is ours lets go",
      "rule 4",
      "|| s.condemned) && reliedOn(s.notes, gen) === null;",
      "|| s.condemned);",
    ],
    [
      "the connection is cut while the witness is away",
      "detection",
      "when: (s) => silence(s) && connected(s) && witnessTrusted(s),",
      "when: (s) => silence(s) && connected(s),",
    ],
    [
      "a lone node promotes behind an open door",
      "rule 3",
      's.local.door === "closed" &&\n      s.local.volume.connection === "StandAlone",',
      's.local.volume.connection === "StandAlone",',
    ],
    [
      "a lone node promotes while DRBD looks for its sibling",
      "rule 3",
      's.local.door === "closed" &&\n      s.local.volume.connection === "StandAlone",',
      's.local.door === "closed",',
    ],
    [
      "T starts alone behind an open door",
      "lock 5",
      "when: (s) => wantsT(s) && gateOpen(s) && (connected(s) || standsAloneBehindDoor(s)),",
      "when: (s) => wantsT(s) && gateOpen(s),",
    ],
    [
      "DRBD connects without a handshake",
      "rule 10",
      'when: (s) => s.meeting && doorOpened(s) && s.local.volume.connection === "StandAlone",',
      'when: (s) => doorOpened(s) && s.local.volume.connection === "StandAlone",',
    ],
  ]),
  ...in_(agent("state.ts"), [
    [
      "a copy whose disk has failed is as good as any other",
      "lock 4",
      "s.local.disarmed.length === 0 && !s.notes.diskFailed;",
      "s.local.disarmed.length === 0;",
    ],
    [
      "no copy is fresh",
      "lock 5",
      's.notes.connectedIn !== s.bootId || s.local.volume.disk === "Consistent";',
      "false;",
    ],
    [
      "together while frozen",
      "incarnation",
      "bothUpToDate(s.local.volume) && !s.local.volume.frozen;",
      "bothUpToDate(s.local.volume);",
    ],
  ]),
  ...in_(agent("work.ts"), [
    [
      "an answer from before a takeover opens the start gate",
      "lock 6",
      "d.s.sibling = null;\n    d.s.exchange = null;",
      "",
    ],
    ["a takeover does not ask who leads now", "lock 6", "d.s.gateFrom = d.s.nextId;", "d.s.gateFrom = 0;"],
  ]),
];
