import type { Setup } from "./agent.ts";
import { play, runFairly, siteAtRest } from "./schedule.ts";
import { comesBack, goesOn } from "./site.ts";
import type { SimWorld } from "./world.ts";

const AWAY = ["the witness is down", "n1: timer pollWitness", "n2: timer pollWitness"];
const AWAY_FOR_LONG = [...AWAY, "n1: timer witnessAway", "n2: timer witnessAway"];

/** The witness goes away, and node two promises node one to wait. */
export const WAIVED: readonly string[] = [...AWAY_FOR_LONG, "n1: timer greet"];

/** Node one goes on by the promise. */
const THAWS = `n1: the kernel takes the handler's "won"`;
export const THAWED: readonly string[] = [...WAIVED, "n2 loses power", THAWS];

/** Node two won a claim as the holder, just as the link came back, and gave T back; then it promises. */
const WON_BEFORE: readonly string[] = [
  ...["n1 loses power", "n2: startT", "n1 boots", "n1: rearm"],
  ...[
    "DRBD's connection breaks",
    "n1: DRBD notices",
    "n2: DRBD notices",
    "n2: the agent reads",
    "n2: the handler asks",
  ],
  ...["n2: the witness answers the move", "DRBD's ends find", "the witness is down", "n1: startT"],
  ...WAIVED.slice(1),
];

/** What could make both go on from one generation; each ends with the halves apart and the witness there. */
export const APART = {
  "17, the agents talk while DRBD is apart": [
    ...[...WAIVED, "n2: the agent is slow to see", "the backend is cut", "n1: DRBD notices", "n1: the handler asks"],
    ...["the witness is back", "n1: the witness is out of reach", "n2: timer pollWitness", "n2: timer greet"],
  ],
  "17, a claim that was won before the promise": [
    ...[
      ...WON_BEFORE,
      "n2: the agent dies",
      "n2: the agent starts",
      "the backend is cut",
      THAWS,
      "the witness is back",
    ],
  ],
  "node two's agent starts anew after the promise": [
    ...[...WAIVED, "n2: the agent dies", "n2: the agent starts", "the backend is cut", THAWS, "the witness is back"],
  ],
  "an acknowledgement comes after the next promise": [
    ...[...WAIVED, "the witness is back", "n2: timer pollWitness", "n2: timer greet, the answer comes late"],
    ...["the witness is down", "n2: timer pollWitness", "n2: timer witnessAway", "n1: timer greet"],
    ...["n2: a late answer arrives", "the backend is cut", THAWS, "the witness is back"],
  ],
  "a promise comes after the acknowledgement": [
    ...[...AWAY_FOR_LONG, "n1: timer greet, the answer comes late", "the witness is back", "n2: timer pollWitness"],
    ...["n2: timer greet", "n1: a late answer arrives", "the backend is cut"],
  ],
} satisfies Record<string, readonly string[]>;

/** Plays the schedule and mends nothing: null when nothing forbidden happens. @throws Violation */
export function harmless(labels: readonly string[], setup: Setup): null {
  const start = siteAtRest({ ...setup, twist: {} });
  runFairly(
    play(start, setup, labels),
    setup,
    () => false,
    ({ price }) => price !== "mended",
    20_000,
  );
  return null;
}

const waived = (setup: Setup): SimWorld => play(siteAtRest(setup), setup, WAIVED);

/** What a waiver is good for, and what it must not be; see scenarios.ts. */
export const WAIVERS: Record<string, (setup: Setup) => string | null> = {
  "the witness is down, then node two dies: T goes on": (setup) => {
    const world = play(waived(setup), setup, ["n2 loses power"]);
    return goesOn(world, setup) ?? comesBack(world, setup);
  },
  "also when node one's agent has started anew": (setup) =>
    goesOn(play(waived(setup), setup, ["n1: the agent dies", "n2 loses power"]), setup),
  "also when the link is cut": (setup) => {
    const world = play(waived(setup), setup, ["backend and frontend are cut"]);
    return goesOn(world, setup) ?? comesBack(world, setup);
  },
  "node two keeps its promise when node one dies, and the witness is back": (setup) => {
    const world = play(waived(setup), setup, ["n1 loses power", "the witness is back"]);
    return goesOn(world, setup) === null ? "T goes on against the promise" : comesBack(world, setup);
  },
  "the promise is taken back when the witness answers again": (setup) => comesBack(waived(setup), setup),
  "a holder that had promised before it took the volume gets its promise back": (setup) =>
    comesBack(play(siteAtRest(setup), setup, WON_BEFORE), setup),
  ...Object.fromEntries(
    Object.entries(APART).map(([name, labels]) => [name, (setup: Setup) => harmless(labels, setup)]),
  ),
};
