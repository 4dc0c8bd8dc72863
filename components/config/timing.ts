/**
 * The timing budget: how long a site stands still in each failure, and whether its times fit together.
 *
 * Symbols, in milliseconds; those of the configuration are written on the left as there:
 * HB heartbeat · ET election timeout of a node's members · H readHoldOff · X killLimit · O waitOffset
 * D from the failure to the confirmed loss · C from there to the claim's verdict · M promote and mount · B T's start to its first commit
 *
 * The spans below were measured on the VM lab (two cores shared by three machines, DRBD 8.4) unless said otherwise; they lean to the slow side.
 */
import type { EtcdWitnessConfig, WitnessedSite } from "./site-config.ts";

/** A span of time of which only the limits are known. */
export interface Span {
  readonly minMs: number;
  readonly maxMs: number;
}

/** How the agent watches its sibling. */
export const detection = {
  /** Between two pings to the sibling. */
  pingIntervalMs: 25,
  /** Probes that must stay unanswered after the silence. */
  probes: 3,
  probeTimeoutMs: 50,
  /** How late a busy machine may run the agent's timers. Confirmations came up to 20 ms after silence and probes. */
  schedulingMs: 50,
} as const;

/** DRBD's own detection on a Primary: ping-int 1 s and ping-timeout 0.5 s. */
export const drbdDetectionMs = 1500;

/** Disconnecting DRBD (10 to 40 ms), the claim (3 ms on a kept connection, 100 ms on a new one): 60 to 160 seen. */
const claim: Span = { minMs: 50, maxMs: 170 };

/** From the claim to a thawed holder: its kernel has the handler's answer. 110 to 160 ms seen. */
const thaw: Span = { minMs: 50, maxMs: 160 };

/** After the claim: the rest of a promotion that was begun ahead, and the mount. 90 to 210 ms seen. */
const promoteAndMount: Span = { minMs: 40, maxMs: 210 };

/** T, loaded already, gets its settings (100 to 350 ms seen) and makes its first commit with a leader in place (400 to 1050). */
const startTransient: Span = { minMs: 300, maxMs: 1400 };

/** From the kill limit to a T that answers nothing any more. */
export const killMs = 100;

/** Least ET of node two: longer than a take-over with the default offset. */
export const leaderPatienceMs = 5000;

/** ET of node one opposite the leader, where it must be quick; and beside it, where it must outlast a frozen T. */
const nodeOneTimeoutMs = { opposite: 1000, "node-one": 3000 } as const;

/** The configured times. */
export type Times = Pick<
  EtcdWitnessConfig,
  "leader" | "heartbeatMs" | "electionTimeoutMs" | "readHoldOffMs" | "killLimitMs" | "silenceMs"
> & { readonly waitOffsetMs: number };

/** The times of a site that keeps its data itself. */
export function timesOf({ witness, datastore }: Pick<WitnessedSite<unknown>, "witness" | "datastore">): Times {
  return { ...datastore, waitOffsetMs: witness.waitOffsetMs };
}

/** What follows from them. */
export interface Budget {
  /** D: the silence counts from the last packet, which may be one ping interval old when the sibling fails. */
  readonly detection: Span;
  /** C, and from there to the end of the holder's freeze. */
  readonly claim: Span;
  readonly thaw: Span;
  /** D + O + C + M + B: from the holder's failure to the first write, if the leader keeps its place. */
  readonly takeover: Span;
  /** The same if T may start only H after the confirmed loss and a leader must be elected then. */
  readonly heldTakeover: Span;
}

/** Time without writes, per failure of a protected site. */
export interface PredictedFailover {
  /** Node one, the holder, loses power. */
  readonly nodeOneDies: Span;
  /** Node two loses power. */
  readonly nodeTwoDies: Span;
  /** The backend is cut while both nodes reach the witness. */
  readonly linkCut: Span;
  /** Node one dies while the leader is not on node two, e.g. in the seconds after an election. */
  readonly nodeOneDiesLeaderDisplaced: Span;
}

/** The election timeouts of a configuration that names none, in whole heartbeats. */
export function defaultElectionTimeouts(leader: Times["leader"], heartbeatMs: number, readHoldOffMs: number) {
  const wholeHeartbeats = (ms: number) => (heartbeatMs > 0 ? roundUp(ms, heartbeatMs) : ms);
  return {
    nodeOne: wholeHeartbeats(Math.max(nodeOneTimeoutMs[leader], 10 * heartbeatMs)),
    nodeTwo: wholeHeartbeats(Math.max(leaderPatienceMs, readHoldOffMs, 5 * heartbeatMs)),
  };
}

export function budgetOf(times: Times): Budget {
  const probing = detection.probes * detection.probeTimeoutMs;
  const loss = {
    minMs: times.silenceMs - detection.pingIntervalMs + probing,
    maxMs: times.silenceMs + probing + detection.schedulingMs,
  };
  const offset = exactly(times.waitOffsetMs);
  const mounted = sum(offset, claim, promoteAndMount);
  const started = later(mounted, exactly(times.readHoldOffMs));
  // E2 asks for votes again at the latest every second election timeout.
  const election = { minMs: 0, maxMs: 2 * times.electionTimeoutMs.nodeTwo };
  return {
    detection: loss,
    claim,
    thaw,
    takeover: sum(loss, mounted, startTransient),
    heldTakeover: sum(loss, started, startTransient, election),
  };
}

export function predictFailover(times: Times): PredictedFailover {
  const budget = budgetOf(times);
  const withoutNodeTwo = times.leader === "opposite" ? leaderLost(times, budget) : leaderBesideFrozenT(times, budget);
  return {
    nodeOneDies: times.leader === "opposite" ? leaderStays(times, budget) : budget.heldTakeover,
    nodeTwoDies: withoutNodeTwo,
    linkCut: withoutNodeTwo,
    nodeOneDiesLeaderDisplaced: budget.heldTakeover,
  };
}

/** The same as texts such as `1.64 s to 2.3 s`: a stack output, whose change a reviewer sees in the preview. */
export function describeFailover(times: Times): Record<keyof PredictedFailover, string> {
  const { nodeOneDies, nodeTwoDies, linkCut, nodeOneDiesLeaderDisplaced } = predictFailover(times);
  return {
    nodeOneDies: formatSpan(nodeOneDies),
    nodeTwoDies: formatSpan(nodeTwoDies),
    linkCut: formatSpan(linkCut),
    nodeOneDiesLeaderDisplaced: formatSpan(nodeOneDiesLeaderDisplaced),
  };
}

function formatSpan({ minMs, maxMs }: Span): string {
  return `${minMs / 1000} s to ${maxMs / 1000} s`;
}

/** E2 leads on; it steps down between ET and 2 ET without a quorum, and T must then be held off. */
function leaderStays(times: Times, { takeover, heldTakeover }: Budget): Span {
  const patience = times.electionTimeoutMs.nodeTwo;
  if (takeover.maxMs < patience) return takeover;
  return { minMs: Math.min(takeover.minMs, heldTakeover.minMs), maxMs: heldTakeover.maxMs };
}

/** E1 asks for votes after ET to 2 ET; T, thawed by the claim, may keep its lease to the lost leader for up to another ET. */
function leaderLost(times: Times, { detection, claim, thaw }: Budget): Span {
  const { nodeOne } = times.electionTimeoutMs;
  // Counted from the last heartbeat, which may be one interval old when the leader fails.
  const election = { minMs: nodeOne - times.heartbeatMs, maxMs: 2 * nodeOne };
  const { minMs, maxMs } = later(sum(detection, claim, thaw), election);
  return { minMs, maxMs: maxMs + nodeOne };
}

/** E1 leads on if T is thawed within its election timeout; else it steps down, and is elected again when T's lease has run out. */
function leaderBesideFrozenT(times: Times, { detection, claim, thaw }: Budget): Span {
  const frozen = sum(detection, claim, thaw);
  const patience = times.electionTimeoutMs.nodeOne;
  if (frozen.maxMs + times.heartbeatMs < patience) return frozen;
  return { minMs: frozen.minMs, maxMs: frozen.maxMs + 3 * patience };
}

function exactly(ms: number): Span {
  return { minMs: ms, maxMs: ms };
}

function sum(...spans: Span[]): Span {
  return {
    minMs: spans.reduce((total, span) => total + span.minMs, 0),
    maxMs: spans.reduce((total, span) => total + span.maxMs, 0),
  };
}

/** Both must have happened. */
function later(one: Span, other: Span): Span {
  return { minMs: Math.max(one.minMs, other.minMs), maxMs: Math.max(one.maxMs, other.maxMs) };
}

export function roundUp(ms: number, stepMs: number): number {
  return Math.ceil(ms / stepMs) * stepMs;
}
