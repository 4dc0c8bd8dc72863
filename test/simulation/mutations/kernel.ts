import { covered, in_, type Mutation, world } from "./mutation.ts";

/** What the kernel, the handlers and the witness do by themselves. */
export const KERNEL: readonly Mutation[] = [
  ...in_(world("drbd.ts"), [
    ["DRBD goes on without a freeze", "lock 1", "if (!mayGoOn && !twist", "if (!mayGoOn && false && !twist"],
    ["a SyncTarget is not disarmed", "lock 4", 'target.disarmed = [...target.disarmed, token(w, "disarm")];', ";"],
    [
      "the door is open at boot",
      "lock 5",
      '? "open" : "closed";',
      '? "open" : "open";',
      covered(
        "the rules that close a door that nobody opened, and whatever goes on alone only behind a closed one",
        "a rebooted node that goes on alone is out of reach of a frozen T",
        "without the rule: the door was opened by nobody in this boot, or by half: anything but a noted opening means closed",
        "without the rule: going on alone: the door is closed first",
        "a lone node promotes behind an open door",
        "the handler does not look whether the halves are kept apart",
        "T starts alone behind an open door",
        "T's own guard does not look for the door",
      ),
    ],
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
