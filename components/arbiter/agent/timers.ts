import { mayClaim } from "./alone.ts";
import { properLeader } from "./rules.ts";
import type { State } from "./state.ts";
import { alone, armed, connected, fresh, holder, together } from "./state.ts";
import { wantsBack, wantsWaiver } from "./waiver.ts";
import type { TimerName } from "./world.ts";

/** A timer runs while it is wanted; once elapsed it stays a fact until it is no longer wanted. */
export interface Timer {
  name: TimerName;
  wanted: (s: State) => boolean;
  ms: (s: State) => number;
}

/** Loss as this node has confirmed it: apart, and the sibling's packets do not come. */
const lossConfirmed = (s: State): boolean => alone(s) && s.heard === false;

/** The site is as rule 1 wants it, here and by the sibling's word. */
function atHome(s: State): boolean {
  const { members, sibling, settings } = s;
  const tAtHome = settings.index === 0 ? s.local.t === "running" : sibling?.t === "running";
  return (
    sibling?.disarmed.length === 0 &&
    sibling.members?.healthy === true &&
    members?.healthy === true &&
    members.leader === properLeader(s) &&
    tAtHome
  );
}

/**
 * Each question costs both nodes' processors something: seldom all year, quickly while the halves are apart or one is
 * behind, and in between while the rest of a return waits for answers and clients have the processors' time.
 */
const pause =
  (quickMs: number) =>
  (s: State): number =>
    together(s) && armed(s) ? (atHome(s) && !wantsWaiver(s) && !wantsBack(s) ? 5000 : 1000) : quickMs;

/** The kernel waits at most three seconds for the answer to a promotion; asking it takes a tenth of one. */
const PROMOTION_AHEAD_MS = 1000;

export const TIMERS: readonly Timer[] = [
  { name: "waitOffset", wanted: lossConfirmed, ms: (s) => s.settings.waitOffsetMs },
  {
    name: "promoteAhead",
    wanted: lossConfirmed,
    ms: (s) => Math.max(0, s.settings.waitOffsetMs - PROMOTION_AHEAD_MS),
  },
  { name: "bootOffset", wanted: (s) => alone(s) && fresh(s), ms: (s) => s.settings.bootOffsetMs },
  {
    // After a boot the old T may have been frozen only by our promotion's fencing, so the hold-off counts from there.
    name: "readHoldOff",
    // Packets that come back after a takeover do not stop it: the volume was already taken.
    wanted: (s) => (s.gateAfterBoot ? alone(s) && holder(s) : alone(s) && (s.heard === false || holder(s))),
    ms: (s) => s.settings.readHoldOffMs,
  },
  { name: "killLimit", wanted: (s) => s.local.volume.frozen, ms: (s) => s.settings.killLimitMs },
  {
    // Together, and node one does not take the volume. Counted from the meeting, so that node one comes first.
    name: "orphan",
    wanted: (s) => connected(s) && s.local.volume.role === "Secondary" && s.local.volume.peerRole === "Secondary",
    ms: () => 5000,
  },
  {
    // Apart, packets arrive, and no handshake brings the halves together.
    name: "deserted",
    wanted: (s) => alone(s) && s.local.volume.role === "Secondary",
    ms: () => 5000,
  },
  {
    // What changes T's settings changes several files, and restarts etcd elsewhere before it.
    name: "outdated",
    wanted: (s) => s.local.tOutdated,
    ms: () => 10_000,
  },
  {
    // One answer that was lost is no reason to promise anything.
    name: "witnessAway",
    wanted: (s) => s.witnessDown && together(s),
    ms: () => 3000,
  },
  {
    name: "claimRetry",
    wanted: (s) => s.run === null && mayClaim(s) && s.undecided === s.local.volume.gen,
    ms: () => 300,
  },
  { name: "jobRetry", wanted: (s) => s.held !== null, ms: () => 1000 },
  { name: "connecting", wanted: (s) => s.local.volume.connection === "Connecting", ms: () => 5000 },
  { name: "greet", wanted: (s) => s.exchange === null, ms: pause(200) },
  { name: "pollMembers", wanted: () => true, ms: pause(500) },
  { name: "pollWitness", wanted: (s) => s.witnessPoll === null, ms: pause(500) },
];
