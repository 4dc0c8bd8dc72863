/**
 * The rules that the times of a site must keep. Each names the numbers it compared and the nearest value that it accepts,
 * with all other values as they are.
 */
import { formatDuration } from "./duration.ts";
import type { Problem } from "./problems.ts";
import {
  type Budget,
  budgetOf,
  detection,
  drbdDetectionMs,
  killMs,
  leaderPatienceMs,
  roundUp,
  type Times,
} from "./timing.ts";

/** A broken rule of the budget. */
export interface TimingProblem extends Problem {
  /** What {@link Problem.path} must be set to at least, or at most. */
  readonly nearestMs: number;
}

/** etcd starts only with 5 HB <= ET <= 50 s; node one, whose timeout is the short one, gets the ten heartbeats that etcd advises. */
const electionLimits = { heartbeats: 5, steadyHeartbeats: 10, maxMs: 50_000 };

/** Three lost packets are no loss of the sibling. */
const fewestSilentPings = 4;

const offsetPath = ["witness", "waitOffset"];
const path = (...keys: string[]) => ["datastore", ...keys];

/** @returns the rules that the times break; a site that breaks one must not be built */
export function checkTiming(times: Times): TimingProblem[] {
  const budget = budgetOf(times);
  const heartbeat = checkHeartbeat(times);
  if (heartbeat.length > 0) return heartbeat;
  return [
    ...checkSilence(times, budget),
    ...checkSplit(times, budget),
    ...checkReads(times, budget),
    ...checkKillLimit(times, budget),
    ...checkElection(times),
  ];
}

/** @returns what is safe and still probably not meant */
export function warnAboutTiming(times: Times): Problem[] {
  const { takeover, detection, claim, thaw } = budgetOf(times);
  const { nodeOne, nodeTwo } = times.electionTimeoutMs;
  if (times.leader === "opposite" && takeover.maxMs >= nodeTwo) {
    const enough = roundUp(takeover.maxMs + 1, times.heartbeatMs);
    const longer = enough <= electionLimits.maxMs ? `lengthen it to ${formatDuration(enough)} or ` : "";
    return [
      {
        path: path("electionTimeouts", "nodeTwo"),
        message: `is ${formatDuration(nodeTwo)}, and a take-over may last ${formatDuration(takeover.maxMs)}: the leader on node two may step down meanwhile, and T then waits for readHoldOff and an election; ${longer}shorten witness.waitOffset`,
      },
    ];
  }
  const frozenMs = detection.maxMs + claim.maxMs + thaw.maxMs + times.heartbeatMs;
  if (times.leader === "node-one" && frozenMs >= nodeOne) {
    return [
      {
        path: path("electionTimeouts", "nodeOne"),
        message: `is ${formatDuration(nodeOne)}, and T may be frozen for ${formatDuration(frozenMs)} when node two dies: the leader on node one then steps down; use at least ${formatDuration(roundUp(frozenMs + 1, times.heartbeatMs))}`,
      },
    ];
  }
  return [];
}

function checkSilence(times: Times, budget: Budget): TimingProblem[] {
  const least = fewestSilentPings * detection.pingIntervalMs;
  if (times.silenceMs < least) {
    return [
      {
        path: path("silence"),
        nearestMs: least,
        message: `is ${formatDuration(times.silenceMs)}; three lost packets must not count as a loss and one is sent each ${detection.pingIntervalMs}ms: use at least ${formatDuration(least)}`,
      },
    ];
  }
  const most = drbdDetectionMs - (budget.detection.maxMs - times.silenceMs);
  if (times.silenceMs <= most) return [];
  return [
    {
      path: path("silence"),
      nearestMs: most,
      message: `is ${formatDuration(times.silenceMs)}; the loss must be confirmed within the ${formatDuration(drbdDetectionMs)} after which DRBD finds it by itself: use at most ${formatDuration(most)}`,
    },
  ];
}

/** Dmin(other) + O > Dmax(holder) + C: the holder, which goes on without an outage of reads, should win a split. */
function checkSplit({ waitOffsetMs }: Times, { detection, claim }: Budget): TimingProblem[] {
  const nearestMs = detection.maxMs + claim.maxMs - detection.minMs + 1;
  if (waitOffsetMs >= nearestMs) return [];
  return [
    {
      path: offsetPath,
      nearestMs,
      message: `is ${formatDuration(waitOffsetMs)}; in a split the holder must claim first, and it may need ${detection.maxMs}ms to confirm the loss and ${claim.maxMs}ms to claim while its sibling confirms within ${detection.minMs}ms: use at least ${formatDuration(nearestMs)}`,
    },
  ];
}

/** Dmin(other) + H > Dmax(holder) + X + kill: no T answers reads beside its successor. */
function checkReads({ readHoldOffMs, killLimitMs, heartbeatMs }: Times, { detection }: Budget): TimingProblem[] {
  // A holder that does not reach the witness leaves the loss to DRBD: T freezes, and X begins, no earlier.
  const lagMs = Math.max(detection.maxMs, drbdDetectionMs) - detection.minMs + killMs;
  // Node two's election timeout must reach the hold-off.
  const most = roundDown(electionLimits.maxMs, heartbeatMs);
  if (readHoldOffMs > most) {
    return [
      {
        path: path("readHoldOff"),
        nearestMs: most,
        message: `is ${formatDuration(readHoldOffMs)}; node two's election timeout must reach it, and etcd takes at most ${formatDuration(electionLimits.maxMs)}: use at most ${formatDuration(most)}`,
      },
    ];
  }
  const nearestMs = lagMs + killLimitMs + 1;
  if (readHoldOffMs >= nearestMs) return [];
  const killLimit = readHoldOffMs - lagMs - 1;
  const instead = killLimit > 0 ? `, or a killLimit of at most ${formatDuration(killLimit)}` : "";
  const reason = `a frozen T may answer reads until its killLimit of ${formatDuration(killLimitMs)} and ${lagMs}ms for a later notice and the kill`;
  if (nearestMs <= most) {
    return [
      {
        path: path("readHoldOff"),
        nearestMs,
        message: `is ${formatDuration(readHoldOffMs)}; ${reason}: use at least ${formatDuration(nearestMs)}${instead}`,
      },
    ];
  }
  return [
    {
      path: path("killLimit"),
      nearestMs: most - lagMs - 1,
      message: `is ${formatDuration(killLimitMs)}; ${reason}, which readHoldOff cannot outlast: use at most ${formatDuration(most - lagMs - 1)}, and a readHoldOff to match`,
    },
  ];
}

/** X > C and the thaw: a claim that is won must find T alive. */
function checkKillLimit({ killLimitMs }: Times, { claim, thaw }: Budget): TimingProblem[] {
  const frozenMs = claim.maxMs + thaw.maxMs;
  if (killLimitMs > frozenMs) return [];
  const nearestMs = frozenMs + 1;
  return [
    {
      path: path("killLimit"),
      nearestMs,
      message: `is ${formatDuration(killLimitMs)}; a claim and the thaw may take ${frozenMs}ms, and T must not be killed meanwhile: use at least ${formatDuration(nearestMs)}`,
    },
  ];
}

/** Every election timeout is counted in heartbeats, so nothing can be said before the heartbeat is sound. */
function checkHeartbeat({ heartbeatMs }: Times): TimingProblem[] {
  const most = electionLimits.maxMs / electionLimits.steadyHeartbeats;
  if (heartbeatMs >= 1 && heartbeatMs <= most) return [];
  const nearestMs = heartbeatMs < 1 ? 1 : most;
  const advice = `${heartbeatMs < 1 ? "at least" : "at most"} ${formatDuration(nearestMs)}`;
  return [
    {
      path: path("heartbeat"),
      nearestMs,
      message: `is ${formatDuration(heartbeatMs)}; ten heartbeats must fit into the ${formatDuration(electionLimits.maxMs)} that etcd takes as an election timeout: use ${advice}`,
    },
  ];
}

function checkElection({ heartbeatMs, electionTimeoutMs, readHoldOffMs }: Times): TimingProblem[] {
  // A hold-off beyond etcd's limit is told by itself.
  const patienceMs = Math.max(leaderPatienceMs, Math.min(readHoldOffMs, roundDown(electionLimits.maxMs, heartbeatMs)));
  return [
    ...checkElectionTimeout("nodeOne", electionTimeoutMs.nodeOne, heartbeatMs, {
      leastMs: electionLimits.steadyHeartbeats * heartbeatMs,
      why: `ten heartbeats of ${formatDuration(heartbeatMs)} must fit into it`,
    }),
    ...checkElectionTimeout("nodeTwo", electionTimeoutMs.nodeTwo, heartbeatMs, {
      leastMs: Math.max(patienceMs, electionLimits.heartbeats * heartbeatMs),
      why: `it must reach ${formatDuration(patienceMs)}, the longer of ${formatDuration(leaderPatienceMs)} and readHoldOff, and hold five heartbeats: a leader that T's log displaced must not win again before, or it may answer stale reads`,
    }),
  ];
}

/** etcd counts whole heartbeats, so a timeout between two multiples would in effect be the lower one. */
function checkElectionTimeout(
  node: "nodeOne" | "nodeTwo",
  timeoutMs: number,
  heartbeatMs: number,
  { leastMs, why }: { leastMs: number; why: string },
): TimingProblem[] {
  const least = roundUp(leastMs, heartbeatMs);
  const most = roundDown(electionLimits.maxMs, heartbeatMs);
  const problem = (nearestMs: number, reason: string, advice: string) => [
    {
      path: path("electionTimeouts", node),
      nearestMs,
      message: `is ${formatDuration(timeoutMs)}; ${reason}: use ${advice}`,
    },
  ];
  if (timeoutMs < least) return problem(least, why, `at least ${formatDuration(least)}`);
  if (timeoutMs > most)
    return problem(
      most,
      `etcd takes at most ${formatDuration(electionLimits.maxMs)}`,
      `at most ${formatDuration(most)}`,
    );
  if (timeoutMs % heartbeatMs === 0) return [];
  const nearestMs = roundUp(timeoutMs, heartbeatMs);
  return problem(
    nearestMs,
    `etcd counts it in heartbeats of ${formatDuration(heartbeatMs)}`,
    formatDuration(nearestMs),
  );
}

function roundDown(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}
