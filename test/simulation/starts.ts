import type { Setup } from "./agent.ts";
import { play, siteAtRest } from "./schedule.ts";
import { THAWED, WAIVED } from "./waivers.ts";
import type { SimWorld } from "./world.ts";

/**
 * Situations in which a site is already in trouble, each as the schedule that leads there: what may break next is explored
 * from here too, so that what needs three or four things to go wrong is met at a bound of one or two.
 */
const LINK_CUT = ["the backend is cut", `n1: the kernel takes the handler's "won"`];
const WITNESS_AWAY = ["the witness is down", "n1: timer pollWitness", "n2: timer pollWitness"];
const TAKEN_OVER = ["n1 loses power", "n2: startT"];

export const STARTS: Record<string, readonly string[]> = {
  "node one won a split": LINK_CUT,
  "node one won a split and lost power": [...LINK_CUT, "n1 loses power"],
  "node one won a split, and the witness is new": [...LINK_CUT, "the witness restarts"],
  "node one won a split, the witness is new, and the link is back": [
    ...LINK_CUT,
    "the witness restarts",
    "the backend carries again",
  ],
  "node two fills up again after a split": [...LINK_CUT, "the backend carries again", "DRBD's ends find"],
  "node two filled up again, and node one has not heard of it": [
    ...LINK_CUT,
    "the backend carries again",
    "n2: the resync ends on the target",
  ],
  "node two took over": TAKEN_OVER,
  "node two took over and lost power": [...TAKEN_OVER, "n2 loses power"],
  "node two took over and lost power, node one is back": [...TAKEN_OVER, "n2 loses power", "n1 boots"],
  "node one fills up again after a takeover": [...TAKEN_OVER, "n1 boots", "DRBD's ends find"],
  "node one filled up again after a takeover, and node two has not heard of it": [
    ...TAKEN_OVER,
    "n1 boots",
    "n1: the resync ends on the target",
  ],
  "node one hands over nothing yet: it was just armed again": [...TAKEN_OVER, "n1 boots", "n1: rearm"],
  "node two won while node one hung": ["n1: the agent hangs", "the backend is cut", "n2: startT"],
  "the witness is away and the link cut": [
    ...WITNESS_AWAY,
    "the backend is cut",
    "n1: DRBD notices",
    "n2: DRBD notices",
  ],
  "the witness is away and node two has lost power": [...WITNESS_AWAY, "n2 loses power", "n1: DRBD notices"],
  "the witness is away and node two is back after a loss of power": [
    ...WITNESS_AWAY,
    "n2 loses power",
    "n1: DRBD notices",
    "n2 boots",
    "n2: the agent starts",
  ],
  "node two has promised to wait": WAIVED,
  "node two has promised to wait, and the witness is back": [...WAIVED, "the witness is back"],
  "node one went on by node two's promise": THAWED,
  "both have lost power": ["n1 loses power", "n2 loses power"],
  "both are back after a loss of power": ["n1 loses power", "n2 loses power", "n1 boots", "n2 boots"],
  "node one won while DRBD found its end again": [
    "DRBD's connection breaks",
    "n1: the witness answers the move",
    "DRBD's ends find",
  ],
  "node one's claim is carried out and it does not know": [
    "DRBD's connection breaks",
    "is carried out, its answer is lost",
  ],
  "the witness is new": ["the witness restarts"],
  "node two's disk has failed": ["n2: the disk fails"],
  "node one's disk has failed": ["n1: the disk fails"],
};

/** The site at rest, or in the situation of this name. */
export function startNamed(setup: Setup, after: string | null): SimWorld {
  const rest = siteAtRest(setup);
  if (after === null) return rest;
  const labels = STARTS[after];
  if (labels === undefined)
    throw new Error(`there is no start "${after}"; there are ${Object.keys(STARTS).join("; ")}`);
  return { ...play(rest, setup, labels), faults: 0, late: 0 };
}
