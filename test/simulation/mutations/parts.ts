import { agent, in_, type Mutation, world } from "./mutation.ts";

/** What stands behind several guards at once: switched off only together with them, to show what each is good for. */
export const PARTS: readonly Mutation[] = [
  ...in_(world("jobs.ts"), [
    [
      "DRBD promotes any copy",
      "lock 5",
      'if (node.disk !== "UpToDate" && node.disk !== "Consistent") return "no whole copy";\n',
      "",
    ],
    [
      "T outlives its volume",
      "lock 5",
      'const node = w.nodes[side];\n  node.t = "dead";\n  node.frozen = false;\n  node.handler = "none";',
      'const node = w.nodes[side];\n  node.frozen = false;\n  node.handler = "none";',
    ],
    [
      "T's own guard does not look for the door",
      "lock 5",
      'if (node.connection !== "Connected" && !apart &&',
      "if (false && !apart &&",
    ],
  ]),
  ...in_(agent("handshake.ts"), [
    ["a copy that is not UpToDate meets a frozen Primary", "lock 5 (c)", '    volume.disk === "UpToDate" &&\n', ""],
    [
      "a frozen node meets a copy that is not UpToDate",
      "lock 5",
      'if (hello.gen === gen && hello.disk === "UpToDate"',
      "if (hello.gen === gen",
    ],
  ]),
  ...in_(agent("verdict.ts"), [
    [
      "the handler does not look whether the halves are kept apart",
      "rule 3",
      's.local.door !== "closed" || volume.connection !== "StandAlone" || volume.splitBrain',
      "volume.splitBrain",
    ],
  ]),
  ...in_(world("drbd.ts"), [
    [
      "a node without a disk knows a generation",
      "trace 11",
      'gen: node.current === NEVER_WRITTEN || node.disk === "Diskless" ? null',
      "gen: node.current === NEVER_WRITTEN ? null",
    ],
  ]),
  ...in_(world("etcd.ts"), [
    [
      "node two's members do not wait for an election",
      "lock 6",
      'const waited = sideOf(member) === 1 && !twist.without?.includes("long election timeouts");',
      "const waited = false as boolean;",
    ],
  ]),
];
