import type { Setup } from "./agent.ts";
import { mayWrite } from "./etcd.ts";
import { type FairRun, play, runFairly, siteAtRest } from "./schedule.ts";
import { THAWED, WAIVED } from "./waivers.ts";
import { SIDES, type SimWorld } from "./world.ts";

/** How a site comes to wait for its operator, and which node is left. The copy of the other has gone on nowhere. */
export const WAITING: readonly (readonly [string, readonly string[], "n1" | "n2"])[] = [
  [
    "the witness and node one are lost together",
    ["the witness restarts", "the witness is down", "n1 loses power"],
    "n2",
  ],
  [
    "the witness and node two are lost together",
    ["the witness restarts", "the witness is down", "n2 loses power"],
    "n1",
  ],
  ["node one dies when node two has promised to wait for it", [...WAIVED, "n1 loses power"], "n2"],
  [
    "the source dies between the end of a resync and the word that re-arms the target",
    ["n2 loses power", "n2 boots", "n2: the resync ends on the target", "n1 loses power"],
    "n2",
  ],
];

/** The same, where the other has gone on alone before it died; node two is left. */
export const GONE_ON: readonly (readonly [string, readonly string[]])[] = [
  [
    "the winner dies before the other, which was restarted, has caught up",
    ["n2 loses power", 'n1: the kernel takes the handler\'s "won"', "n1 loses power", "n2 boots"],
  ],
  [
    "a disk has failed and answers again, and the sibling dies",
    ["n2: the disk fails", "n2: the operator restarts it", "n1 loses power", "n2 boots"],
  ],
  ["the holder goes on by the other's promise and dies", [...THAWED, "n1 loses power", "n2 boots"]],
];

export const overrides = (node: string): string => `${node}: the operator overrides`;

/** After this schedule nothing is mended, and the agent has come to know what there is to know. */
export function waiting(labels: readonly string[], setup: Setup): SimWorld {
  const world = { ...play(siteAtRest(setup), setup, labels), faults: 0, late: 0 };
  return runFairly(world, setup, () => false, unmended, 30_000).world;
}

/** T runs somewhere and may write, nothing being mended. */
export function goneOn(w: SimWorld, setup: Setup): SimWorld {
  return runFairly({ ...w, faults: 0, late: 0 }, setup, (x) => SIDES.some((side) => mayWrite(x, side)), unmended).world;
}

const unmended = ({ price }: { price: string }): boolean => price !== "mended";

/** After {@link GONE_ON} and an override of node two, node one comes back: do both stop? */
export function splits(labels: readonly string[], setup: Setup): FairRun {
  const world = goneOn(play(waiting(labels, setup), setup, [overrides("n2")]), setup);
  return runFairly(world, setup, (w) => w.nodes.every(({ splitBrain, t }) => splitBrain && t === "dead"));
}
