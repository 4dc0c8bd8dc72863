/**
 * Every rule, guard and lock, switched off: an edit of the source, made in a copy. What the edit takes away must be missed
 * (hunt.ts), or `needless` says why nobody can miss it. Rules of the table are switched off by mutate.ts, one by one.
 */
export interface Mutation {
  /** What is gone. */
  name: string;
  /** Where arbitration.md asks for it. */
  source: string;
  /** In components/arbiter/agent, or in test/simulation for what the kernel, the handlers and etcd do. */
  file: string;
  /** Stands there exactly once. */
  from: string;
  to: string;
  needless?: string;
}

const agent = (file: string): string => `components/arbiter/agent/${file}`;
const world = (file: string): string => `test/simulation/${file}`;

const in_ = (
  file: string,
  edits: readonly (readonly [name: string, source: string, from: string, to: string, needless?: string])[],
): Mutation[] =>
  edits.map(([name, source, from, to, needless]) => ({
    name,
    source,
    file,
    from,
    to,
    ...(needless === undefined ? {} : { needless }),
  }));

export const MUTATIONS: readonly Mutation[] = [
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
      "return copyWillDo && s.heard === false && waited(s);",
      "return copyWillDo && waited(s);",
    ],
    [
      "nobody waits",
      "rule 2",
      "return copyWillDo && s.heard === false && waited(s);",
      "return copyWillDo && s.heard === false;",
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
      'if (!armed(s) || volume.disk !== "UpToDate" || volume.frozen) return false;',
      'if (volume.disk !== "UpToDate" || volume.frozen) return false;',
    ],
    [
      "a SyncTarget promotes when connected",
      "rule 9",
      'if (!armed(s) || volume.disk !== "UpToDate" || volume.frozen) return false;',
      "if (!armed(s) || volume.frozen) return false;",
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
  ...in_(agent("handshake.ts"), [
    [
      "the door opens although the sibling's T lives",
      "lock 5 (a)",
      'if (hello.role === "Secondary") return hello.t === "dead";',
      'if (hello.role === "Secondary") return true;',
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
      'if (hello.role !== "Secondary") return "wait";',
      "",
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
    ["a disarmed node claims", "lock 4", 'launch(d, armed(d.s) ? "claim" : "look", key)', 'launch(d, "claim", key)'],
    [
      "a question goes on after its reason is gone",
      "claim",
      'if (run.purpose === "tidy" || run.purpose === "stage") return together(s);\n  return mayClaim(s) && armed(s) === (run.purpose === "claim");',
      "return true;",
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
  ...in_(agent("verdict.ts"), [
    [
      "a Primary without a whole disk is told that it won",
      "trace 11",
      'if (s.local.volume.disk !== "UpToDate") return { verdict: "undecided", reason: "this disk is not UpToDate" };\n',
      "",
    ],
    [
      "a disarmed node is told that it won",
      "lock 4",
      "if (armed(s) && reliedOn(s.notes, gen) !== null)",
      "if (reliedOn(s.notes, gen) !== null)",
    ],
    [
      "a promotion is allowed whatever the disk",
      "handler",
      'const diskWillDo = volume.disk === "UpToDate" || volume.disk === "Consistent";',
      "const diskWillDo = true;",
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
  ...in_(world("drbd.ts"), [
    ["DRBD goes on without a freeze", "lock 1", "if (!mayGoOn && !twist", "if (!mayGoOn && false && !twist"],
    ["a SyncTarget is not disarmed", "lock 4", 'target.disarmed = [...target.disarmed, token(w, "disarm")];', ";"],
    ["the door is open at boot", "lock 5", '? "open" : "closed";', '? "open" : "open";'],
    [
      "DRBD looks for its sibling at boot",
      "trace 14",
      'if (twist.without?.includes("standing alone at boot")) node',
      "node",
    ],
  ]),
  ...in_(world("witness.ts"), [
    ["a claim is not exclusive", "lock 2", "if (claim !== undefined && !twist", "if (false && !twist"],
    ["the witness keeps its name and loses its claims", "storage", 'w.witness.incarnation = token(w, "tree");', ""],
  ]),
  ...in_(world("jobs.ts"), [
    ["the kernel promotes without asking", "lock 2", "if (!(ahead && node", "if (false && !(ahead && node"],
    ["the loser resumes its I/O", "rule 4", 'if (setup.twist.without?.includes("reboot of the loser")) {', "{"],
  ]),
];
