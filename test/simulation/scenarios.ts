import { AS_SHIPPED, type Setup } from "./agent.ts";
import { mayWrite } from "./etcd.ts";
import { OVERRIDES } from "./overrides.ts";
import { type FairRun, newSite, play, protectedSite, runFairly, siteAtRest } from "./schedule.ts";
import { comesBack, goesOn, SINGLE_FAULTS, survives } from "./site.ts";
import { WAIVERS } from "./waivers.ts";
import { type SimNode, type SimWorld, Violation } from "./world.ts";

/** As it is with the program as it ships, whatever a set-up leaves out afterwards. */
export const rest = siteAtRest(AS_SHIPPED);

export const withFirst = (w: SimWorld, change: Partial<SimNode>): SimWorld => ({
  ...w,
  nodes: [{ ...w.nodes[0], ...change }, w.nodes[1]],
});

/** The natural course, nothing being mended. */
function unmended(w: SimWorld, setup: Setup, ms: number, goal: (w: SimWorld) => boolean): FairRun {
  const broken = (label: string) => /boots$|carries again$|is back$|agent starts$|for its disk$/.test(label);
  return runFairly(w, setup, goal, (move) => !broken(move.label), ms);
}

/** Null when `goal` is met within so many ms of the natural course, nothing being mended. */
export function within(w: SimWorld, setup: Setup, ms: number, goal: (w: SimWorld) => boolean): string | null {
  const run = unmended(w, setup, ms, goal);
  return run.reached ? null : `not within ${ms} ms:\n${run.trace.join("\n")}`;
}

/** Null when `bad` is not met within so many ms of the natural course, nothing being mended. */
export function never(w: SimWorld, setup: Setup, ms: number, bad: (w: SimWorld) => boolean): string | null {
  const run = unmended(w, setup, ms, bad);
  return run.reached ? `what must not be is met within ${ms} ms:\n${run.trace.join("\n")}` : null;
}

export const TAKEN_OVER = ["n1 loses power", "n2: startT"];

/** Node two's T leads in a term of its own, which its member follows. */
function ledByT(w: SimWorld): SimWorld {
  const term = Math.max(...w.etcd.term, ...w.etcd.tTerm) + 1;
  const leads = { E1: 0, E2: 0, T1: 0, T2: term };
  return { ...w, etcd: { ...w.etcd, leads, term: [w.etcd.term[0], term], tTerm: [w.etcd.tTerm[0], term] } };
}

/** What a site must come through; a rule is needed when one of these does not end well without it. */
export const SCENARIOS: Record<string, (setup: Setup) => string | null> = {
  "a T that is dead stays dead on a frozen volume": (setup) =>
    never(
      play(rest, setup, ["the witness is down", "n1: T dies", "n2 loses power", "n1: DRBD notices"]),
      setup,
      5000,
      ({ nodes: [one] }) => one.frozen && one.t === "running",
    ),
  "T leaves node two only for a node that may take it": (setup) => {
    const gone = runFairly(play(rest, setup, TAKEN_OVER), setup, (w) => w.nodes[1].t === "dead");
    return gone.reached && gone.world.nodes[0].disarmed.length === 0 ? null : `too early:\n${gone.trace.join("\n")}`;
  },
  "the leader stays where it is when T goes home": (setup) => {
    const home = runFairly(play(rest, setup, TAKEN_OVER), setup, (w) => protectedSite(w, setup));
    const moved = home.trace.some((line) => line.includes("moveLeader"));
    return home.reached && !moved ? null : `it moves, or T does not go home:\n${home.trace.join("\n")}`;
  },
  "a false alarm while the witness is away cuts nothing": (setup) =>
    never(
      play(rest, setup, ["the witness is down", "n1: timer pollWitness", "n1: the sibling seems silent"]),
      setup,
      1400,
      (w) => w.nodes[0].frozen,
    ),
  "a frozen holder waits for the witness beside a sibling without a disk": (setup) =>
    never(
      play(rest, setup, [
        ...["n2: the disk fails", "the witness is down", "the backend is cut", "n1: disconnect", "n2: disconnect"],
        "the backend carries again",
      ]),
      setup,
      20_000,
      (w) => !w.nodes[0].up,
    ),
  "a new site becomes protected": (setup) => comesBack(newSite(), setup),
  "it survives every single failure": (setup) =>
    SINGLE_FAULTS.map((fault) => survives(rest, setup, fault)).find((problem) => problem !== null) ?? null,
  "the holder wins a split that its sibling sees first": (setup) =>
    within(
      play(rest, setup, [
        "backend and frontend are cut",
        "n2: the sibling is silent",
        "n2: disconnect",
        "n1: the sibling is",
      ]),
      setup,
      10_000,
      (w) => mayWrite(w, 0),
    ),
  "it comes back from every single failure": (setup) =>
    SINGLE_FAULTS.map((fault) => comesBack(play(rest, setup, [fault]), setup)).find((each) => each !== null) ?? null,
  "node two takes over before DRBD's own pings have failed": (setup) =>
    within(play(rest, setup, ["n1 loses power"]), setup, 1400, (w) => mayWrite(w, 1)),
  "a loss that DRBD noticed, the witness being away, is acted on when the witness is back": (setup) =>
    goesOn(
      play(rest, setup, ["the witness is down", "n1 loses power", "n2: DRBD notices", "the witness is back"]),
      setup,
    ),
  "a T that died is started again at once, whatever the sibling's silent agent": (setup) => {
    const gone = ["n2: the sibling seems silent", "n2: disconnect", "n2: the agent dies", "n1: DRBD notices"];
    const won = [
      "n1: the agent reads",
      "n1: the handler asks",
      "n1: the witness answers the move",
      "n1: the kernel takes",
    ];
    return within(play(rest, setup, [...gone, ...won, "n1: T dies"]), setup, 1000, (w) => mayWrite(w, 0));
  },
  "a frozen T is killed while the witness is away": (setup) =>
    within(
      play(rest, setup, ["the witness is down", "n2 loses power"]),
      setup,
      10_000,
      (w) => w.nodes[0].frozen && w.nodes[0].t !== "running",
    ),
  "T stops in a split brain": (setup) =>
    within(withFirst(rest, { splitBrain: true }), setup, 10_000, (w) => w.nodes[0].t === "dead"),
  "a door that was closed while the halves met is opened": (setup) =>
    comesBack(withFirst(rest, { door: "closed" }), setup),
  "a door that an outside hand opens beside a T that runs alone is closed again": (setup) =>
    within(
      play(rest, setup, [...TAKEN_OVER, "n2: an outside hand opens the door"]),
      setup,
      5000,
      (w) => w.nodes[1].door === "closed",
    ),
  "a T that came to lead on node two goes home": (setup) => comesBack(ledByT(play(rest, setup, TAKEN_OVER)), setup),
  "a T whose settings have changed starts again with them": (setup) =>
    within(play(rest, setup, ["n1: T's settings change", "n1: timer outdated"]), setup, 10_000, (w) => {
      return mayWrite(w, 0) && !w.nodes[0].tOutdated;
    }),
  "a copy that nobody went on without goes on, although its sibling's disk failed when they met": (setup) =>
    goesOn(
      play(rest, setup, [
        "n1 loses power",
        "n2 loses power",
        "n1 boots",
        "n2 boots",
        "n1: connect",
        "n1: the disk fails",
      ]),
      setup,
    ),
  "a promotion that was interrupted is finished": (setup) =>
    within(withFirst(rest, { mounted: false, t: "dead" }), setup, 10_000, (w) => w.nodes[0].mounted && mayWrite(w, 0)),
  ...OVERRIDES,
  ...WAIVERS,
};

/** Node two, not aware of the loss, meets the new tree of the witness while node one has won in the old one. */
export const NEW_TREE: readonly string[] = [
  "n2: the agent is slow to see",
  "the backend is cut",
  `n1: the kernel takes the handler's "won"`,
  "the witness restarts",
  "n2: timer pollWitness",
  "n2: timer greet",
  "n2: timer waitOffset",
];

/** E1 leads beside T when the backend is cut; node one does not notice and its frozen T goes on answering. */
export const STALE_READ: readonly string[] = [
  "n2 loses power",
  "E1 is elected",
  "n2: rearm",
  "n1: the agent hangs",
  "the backend is cut",
  "n2: startT",
  "elected by",
];

/** Node two wins while node one, frozen, does not see it. */
export const SECOND_WINS: readonly string[] = ["n1: the agent hangs", "the backend is cut", "n2: startT"];

/** Schedules that once ended badly, by the number that arbitration.md gives them. Each is harmless as the program ships. */
export const SCHEDULES = {
  "2": ["the witness is down", "n2 loses power", "n1: DRBD notices", "n2 boots"],
  "3": NEW_TREE,
  "6": ["n1 loses power", "n2: startT", "n2 loses power", "n1 boots", "n2 boots", "n1: takeVolume"],
  "7": STALE_READ,
  "8": ["DRBD's connection breaks", "is carried out, its answer is lost", "DRBD's ends find"],
  "8, a winner that crashes": ["DRBD's connection breaks", "n1: the witness answers the move", "n1 loses power"],
  "9": [...SECOND_WINS, "n1: the agent goes on"],
  "10": [...SECOND_WINS, "the witness restarts", "n1: the agent goes on"],
  "15": ["n2 loses power", "n1: the handler asks", "n1: the agent dies"],
  "16": ["the witness restarts", "n1: the witness answers the stage", "n2: the witness answers the stage", ...NEW_TREE],
  "18": [
    "DRBD's connection breaks",
    "n1: the sibling seems silent",
    "n2: the sibling seems silent",
    "n1: the move of gen#1.0 is carried out, its answer is lost",
    "n2: the witness answers the released",
    "the witness restarts",
  ],
  "21, a disk that fails and answers again": [
    "n2: the disk fails",
    "n2: the operator restarts it",
    "n1 loses power",
    "n2 boots",
  ],
  "22, a disk that fails between handshake and connection": [
    ...["n2 loses power", `n1: the kernel takes the handler's "won"`, "n1 loses power", "n1 boots", "n2 boots"],
    ...["n1: connect", "n1: the disk fails", "n2: disconnect fails"],
  ],
  "19": ["n1 loses power", "n2 loses power", "n1 boots", "n2 boots", "n1: openDoor", "n2 loses power"],
} satisfies Record<string, readonly string[]>;

/** Plays the schedule, then mends everything; null when nothing forbidden happens and the site comes back. */
export function ending(labels: readonly string[], setup: Setup): string | null {
  try {
    return comesBack(play(rest, setup, labels), setup);
  } catch (problem) {
    if (problem instanceof Violation) return problem.message;
    throw problem;
  }
}
