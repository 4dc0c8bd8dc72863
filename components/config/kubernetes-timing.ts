/** What Kubernetes has to sit out: the times of its managers and of its address, from the longest gap of the datastore. */
import type { ClusterConfig, LeaderElection } from "./kubernetes-config.ts";
import { roundUp } from "./timing.ts";

const second = 1000;

/** How the address follows the API servers. VRRP takes hundredths of a second from its version 3 on. */
export const addressTimes = {
  advertIntervalMs: 300,
  /** keepalived before 2.3 takes whole seconds. */
  probeIntervalMs: second,
  /** Failed probes after which an API server counts as dead. */
  deadAfter: 2,
  /** Probes that succeed until it counts as alive again. */
  aliveAfter: 2,
  /** For a load balancer, between a probe that failed and the next. */
  repeatIntervalMs: 300,
  /** A node of the same network that takes no connection for so long has gone. */
  connectLimitMs: 300,
  /** A load balancer's patience with one answer; an API server gives its datastore as long. */
  answerLimitMs: 2 * second,
} as const;

/** Between two reports of a kubelet on its node. */
export const nodeStatusIntervalMs = 4 * second;
/** A node shows that it lives by renewing its lease, after a quarter of the time for which it holds. */
export const nodeLeaseSeconds = (4 * nodeStatusIntervalMs) / second;

/** Between two looks of controller-manager at the nodes; its own default. */
const nodeMonitorPeriodMs = 5 * second;

/** Times without writes of a datastore. */
export interface Gaps {
  /** The longest that a single failure may bring. */
  readonly longestGapMs: number;
  /** The longest of a failure that comes alone, and not in the seconds after an election. */
  readonly usualGapMs: number;
}

export interface KubernetesTimes {
  /** The longest time without writes that a single failure may bring. */
  readonly longestGapMs: number;
  readonly leaderElection: LeaderElection;
  /** Failed probes after which an API server counts as not ready: more than a failover of the datastore takes. */
  readonly notReadyAfter: number;
  /** The same for a load balancer, whose probes are long: all of them together outlast such a failover. */
  readonly unansweredAfter: number;
  /** How long a node may be silent before it counts as lost; its pods are evicted later by as much again. */
  readonly nodeMonitorGraceMs: number;
  readonly podEvictionMs: number;
  /**
   * The longest from the loss of a node to new pods in the place of its own, but for their start: the other node's controller-manager
   * takes over, and is as patient with the silent node as if it had just been heard.
   */
  readonly podsReplacedMs: number;
}

/** The times of a site's Kubernetes, defaults filled in. */
export function kubernetesTimes(
  { leaderElection }: Pick<ClusterConfig, "leaderElection">,
  { longestGapMs, usualGapMs }: Gaps,
): KubernetesTimes {
  const retryMs = leaderElection.retryMs ?? 2 * second;
  const renewMs = leaderElection.renewMs ?? roundUp(leastRenewMs(longestGapMs, retryMs), second);
  const leaseMs = leaderElection.leaseMs ?? leastLeaseMs(renewMs, retryMs);
  const nodeMonitorGraceMs = roundUp(longestGapMs + 2 * nodeStatusIntervalMs, second);
  return {
    longestGapMs,
    leaderElection: { leaseMs, renewMs, retryMs },
    notReadyAfter: Math.floor(usualGapMs / addressTimes.probeIntervalMs) + 2,
    unansweredAfter: Math.max(addressTimes.deadAfter, Math.floor(usualGapMs / addressTimes.answerLimitMs) + 1),
    nodeMonitorGraceMs,
    podEvictionMs: nodeMonitorGraceMs,
    podsReplacedMs: leaseMs + retryMs + nodeMonitorGraceMs + nodeMonitorPeriodMs + nodeMonitorGraceMs,
  };
}

/** A renewal that was sent just before the gap is repeated after it, twice. */
export function leastRenewMs(longestGapMs: number, retryMs: number): number {
  return longestGapMs + 2 * retryMs + 1;
}

/**
 * client-go counts from the last renewal: its holder begins the next one a retry period later and tries for the deadline. The lease
 * itself holds whole seconds, cut off.
 */
export function leastLeaseMs(renewMs: number, retryMs: number): number {
  return roundUp(renewMs + retryMs, second);
}
