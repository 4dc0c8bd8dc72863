import type { Setup } from "./agent.ts";
import { never, rest, SECOND_WINS, TAKEN_OVER } from "./scenarios.ts";
import { play, protectedSite, runFairly } from "./schedule.ts";
import { survives } from "./site.ts";
import type { SimWorld } from "./world.ts";

type Scenario = (setup: Setup) => string | null;

/** After the schedule this is not met, nothing being mended. */
const avoids =
  (labels: readonly string[], bad: (w: SimWorld) => boolean, ms = 20_000): Scenario =>
  (setup) =>
    never(play(rest, setup, labels), setup, ms, bad);

/** Plays the schedule; nothing forbidden may happen in it, nor afterwards while nothing is mended. */
const harmless = (labels: readonly string[]): Scenario => avoids(labels, () => false);

/** After the schedule the site becomes protected again and survives this fault. */
const thenSurvives =
  (labels: readonly string[], fault: string): Scenario =>
  (setup) => {
    const { world, reached, trace } = runFairly(play(rest, setup, labels), setup, (w) => protectedSite(w, setup));
    return reached ? survives(world, setup, fault) : `the site does not come back:\n${trace.join("\n")}`;
  };

const asks = (w: SimWorld, side: 0 | 1, verb: string): boolean =>
  w.nodes[side].requests.some(({ request }) => request.verb === verb);

/** Node two has won and its door does not close at once; node one is frozen and undecided. */
const OWNER = [
  ...["n1: the witness is out of reach", "DRBD's connection breaks", "n1: DRBD notices", "n1: the agent reads"],
  ...["n1: no answer to the move", "n2: DRBD notices", "n2: the agent reads", "n2: the sibling seems silent"],
  ...["n2: disconnect", "n2: closeDoor fails", "n2: timer waitOffset", "n2: the witness answers the move"],
  ...["n2: the detector recovers", "n2: the sibling is heard"],
];

/** Schedules that single guards were made for, each of them harmless as the program ships, or impossible. */
export const GUARDS: Record<string, Scenario> = {
  "a holder whose agent hangs keeps the volume as long as its packets arrive": avoids(
    [
      ...TAKEN_OVER,
      "n1 boots",
      "n1: rearm",
      "n2: the agent hangs",
      "n1: the sibling seems silent",
      "n1: disconnect",
      "n1: the agent dies",
      "n1: the agent starts",
    ],
    ({ nodes: [one] }) => one.role === "Primary",
    15_000,
  ),
  "a loser that knows it asks for no claim": avoids(
    [
      "backend and frontend are cut",
      `n1: the kernel takes the handler's "won"`,
      "n2: the witness answers the released",
    ],
    (w) => asks(w, 1, "move"),
  ),
  "a claim that is won while the halves are about to meet is released": thenSurvives(
    [
      ...["the witness is down", "n1: the sibling seems silent", "n1: timer pollWitness"],
      ...["DRBD's connection breaks", "n1: DRBD notices", "n1: the agent reads", "n1: disconnect", "n2: DRBD notices"],
      ...["n1: no answer to the move", "n1: the detector recovers", "n1: the sibling is heard", "the witness is back"],
      ...["n1: connect", "n1: timer claimRetry", "n1: the witness answers the move", "DRBD's ends find"],
    ],
    "n1 loses power",
  ),
  "half a copy does not go on alone": harmless(["n2 loses power", "n2 boots", "DRBD's ends find", "n1 loses power"]),
  "a node that is ahead meets a sibling that answers before it takes the volume": avoids(
    [
      ...["n2 loses power", `n1: the kernel takes the handler's "won"`, "n1 loses power"],
      ...["n2 boots", "n1 boots", "n2: the agent starts", "n1: the agent starts"],
    ],
    ({ nodes: [one] }) => one.role === "Primary" && one.connection !== "Connected",
  ),
  "a winner does not reset itself": avoids(
    [
      ...["n2 loses power", "n1: DRBD notices", "n1: the agent reads", "n2 boots", "n2: the agent starts"],
      ...["n1: the witness answers the move", "n1: timer greet"],
    ],
    (w) => !w.nodes[0].up,
  ),
  "a takeover whose door does not close at once waits for it": harmless([
    ...["n1: the agent hangs", "the backend is cut", "n2: the sibling is silent", "n2: closeDoor fails"],
    ...["n2: takeVolume", "n2: startT", "the backend carries again"],
  ]),
  "a node that goes on alone stands alone": avoids(
    [
      "n1: the agent hangs",
      "the backend is cut",
      "n2: DRBD notices",
      "n2: the sibling is silent",
      "n2: disconnect fails",
    ],
    ({ nodes: [, two] }) => two.role === "Primary" && two.connection === "Connecting",
  ),
  "a rebooted copy does not complete what a frozen Primary has not promised": harmless([
    ...["the witness is down", "n2 loses power", "n1: DRBD notices", "n2 boots", "DRBD's ends find"],
    ...["the witness is back", "n1 loses power"],
  ]),
  "nor before its agent has started": harmless([
    ...["the witness is down", "n2 loses power", "n1: DRBD notices", "n2 boots", "DRBD's ends find"],
    ...["n2: the agent starts", "the witness is back", "n1 loses power"],
  ]),
  "nor when both must open their doors for that": harmless([
    ...["the witness is down", "n2 loses power", "n1: DRBD notices", "n1: timer connecting", "n1: disconnect"],
    ...["n2 boots", "DRBD's ends find", "the witness is back", "n1 loses power"],
  ]),
  "a leader is not moved to a member that lags behind": (setup) => {
    const lags: Setup = {
      ...setup,
      twist: {
        ...setup.twist,
        hello: (hello) => ({ ...hello, members: hello.members && { ...hello.members, applied: 1_000_000 } }),
      },
    };
    return never(play(rest, lags, [...TAKEN_OVER, "n1 boots", "n1: rearm"]), lags, 20_000, ({ nodes: [, two] }) =>
      two.jobs.some((job) => job.name === "moveLeader"),
    );
  },
  "an answer from before the halves met opens no start gate after the next loss": harmless([
    ...["n2 loses power", "E1 is elected", "n2: rearm", "n1: T dies", "DRBD's connection breaks", "n1: DRBD notices"],
    ...["n2: DRBD notices", "n2: the agent reads", "n2: timer greet, the answer comes late", "DRBD's ends find"],
    ...["n1: startT", "n1: the agent hangs", "the backend is cut", "n2: takeVolume, answered won"],
    ...["n2: a late answer arrives", "n2: startT", "elected by"],
  ]),
  "what the members said before a takeover opens no start gate": harmless([
    ...["n2: timer pollMembers, the answer comes late", "n2 is paused", "E1 is elected", "n2 goes on"],
    ...["n1: the agent hangs", "the backend is cut", "n2: takeVolume, answered won"],
    ...["n2: a late answer arrives", "n2: startT", "elected by"],
  ]),
  "a frozen holder does not let go for a sibling that has not noticed": avoids(
    [
      ...["n1 loses power", "n2 loses power", "n1 boots", "n2 boots", "n1: connect", "n2: connect"],
      ...["n2: the agent hangs", "DRBD's ends find", "n1: takeVolume", "n1: the source hears of the end"],
      ...["the witness is down", "DRBD's connection breaks", "n1: DRBD notices", "n1: the agent reads"],
      ...["n1: no answer to the move", "n2: the agent goes on", "n1: timer greet"],
    ],
    (w) => !w.nodes[0].up,
  ),
  "a rebooted node that goes on alone is out of reach of a frozen T": harmless([
    ...["n1: the agent hangs", "the backend is cut", "n2 loses power", "n2 boots", "n2: startT"],
    "the backend carries again",
  ]),
  "a loser whose T does not end stays out of reach": (setup) => {
    const nine: Setup = { ...setup, drbd: 9 };
    const labels = [...SECOND_WINS, "the backend carries again", "n1: the agent goes on"];
    return never(play(rest, nine, labels), nine, 10_000, () => false);
  },
  "a copy that was filled up and is not armed yet goes nowhere alone": harmless([
    ...[...TAKEN_OVER, "n1 boots", "n1: the resync ends on the target", "the backend is cut"],
  ]),
  "a claim whose owner is not to be read is passed by nobody": (setup) => {
    const ownerless: Setup = {
      ...setup,
      twist: {
        ...setup.twist,
        answer: (answer, request) =>
          request.verb === "owner" && request.key.k === 0 ? { status: 404, body: "" } : answer,
      },
    };
    const labels = ["n1: the agent hangs", "backend and frontend are cut", "n2: startT", "n1: the agent goes on"];
    return never(play(rest, ownerless, labels), ownerless, 20_000, () => false);
  },
  "a frozen holder asks the witness before it listens to a rebooted sibling": avoids(
    [
      ...["n2 loses power", "n1: DRBD notices", "n1: the agent reads", "n2 boots", "n2: the agent starts"],
      "n1: timer greet",
    ],
    (w) => !w.nodes[0].up,
  ),
  "a copy whose disk had failed wins nothing by looking": harmless([
    ...["n1: the witness is out of reach", "DRBD's connection breaks", "n2: DRBD notices", "n1: DRBD notices"],
    ...["n2: the agent reads", "n2: the sibling seems silent", "n2: disconnect", "n2: timer waitOffset"],
    ...["is carried out, its answer is lost", "n2: the witness is out of reach", "n2: the detector recovers"],
    ...["n2: the sibling is heard", "DRBD's ends find", "n2: the disk fails", "n2: the operator restarts it"],
    ...["n1 loses power", "n2 boots", "n2: the witness is back"],
  ]),
  "a holder that loses its disk after its claim does not go on": harmless([
    ...["DRBD's connection breaks", "n1: DRBD notices", "n1: the agent reads", "n1: the witness answers the move"],
    ...["n1: the disk fails", "n1: the handler asks"],
  ]),
  "a node that owns the claim goes on and does not meet": thenSurvives(
    [...OWNER, "n2: timer greet", "n2: openDoor", "n2: connect", "DRBD's ends find"],
    "n2 loses power",
  ),
  "a frozen node does not meet a sibling that owns the claim": thenSurvives(
    [
      ...[...OWNER, "n1: timer connecting", "n1: disconnect", "n2: timer greet", "n2: openDoor", "n2: connect"],
      ...["n1: timer greet", "n1: connect", "DRBD's ends find"],
    ],
    "n2 loses power",
  ),
  "a tree that the witness shows no more is not adopted": avoids(
    [
      "the witness restarts",
      "n1: timer pollWitness",
      "n2: timer pollWitness",
      "the witness restarts",
      "n1: timer greet",
    ],
    ({ nodes, witness }) => nodes.some(({ notes }) => notes.adopted !== null && notes.adopted !== witness.incarnation),
    1000,
  ),
  "a refused connection is not tried again before the sibling has answered": avoids(
    [...["n2 loses power", "n2 boots", "DRBD's ends find each other, no disarm note", "n1: the agent hangs"]],
    ({ nodes: [, two] }) => two.connection === "Connecting",
    5000,
  ),
  "a sibling that has not noticed the loss is not met": avoids(
    [
      ...["DRBD's connection breaks", "n1: DRBD notices", `n1: the kernel takes the handler's "won"`],
      ...["n1: the agent reads", "n1: timer greet"],
    ],
    ({ nodes: [one, two] }) => one.agent?.meeting === true && one.connection !== two.connection,
    100,
  ),
  "an answer from before the halves met arms no node": harmless([
    ...["n2: timer greet, the answer comes late", "the backend is cut", `n1: the kernel takes the handler's "won"`],
    ...["the backend carries again", "DRBD's ends find", "n2: a late answer arrives", "n2: rearm"],
    ...["n2: the resync ends on the target", "the backend is cut"],
  ]),
};
