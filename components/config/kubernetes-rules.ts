/** Relations between the values of `kubernetes` and the rest of a site. */
import { isIPv4 } from "node:net";
import { profileOf } from "../datastore/profile.ts";
import { listExpression } from "../kubernetes/mutation-policies.ts";
import { formatDuration } from "./duration.ts";
import { contains, isOfNobody, overlaps, parseNetwork } from "./ipv4.ts";
import type { ClusterConfig } from "./kubernetes-config.ts";
import { kubernetesTimes, leastLeaseMs, leastRenewMs } from "./kubernetes-timing.ts";
import { datastoreHosts, nodeAddresses } from "./machines.ts";
import { formatPath, type Problem } from "./problems.ts";
import type { SitePart } from "./site-config.ts";

/** client-go adds up to a fifth to the time between two tries. */
const retryJitter = 1.2;
const longestServicePrefix = 28;
const shortestServicePrefix = 12;
/** The controller-manager's own. */
const nodePodPrefix = 24;
/** kubelet's own limit. */
const podsPerNode = 110;

/** The rules for the address of the API. */
export function checkVirtualAddress(site: SitePart<"kubernetes" | "nodes" | "witness" | "datastore">): Problem[] {
  const { kubernetes, nodes } = site;
  if (kubernetes.distribution === "none" || kubernetes.endpoint.kind !== "vip") return [];
  const vip = kubernetes.endpoint;
  const subnet = { address: vip.address, prefixLength: vip.prefixLength };
  const taken = [...nodeAddresses(site), ...datastoreHosts(site)];
  const problem = (message: string): Problem => ({
    path: ["kubernetes", "vip"],
    message: `is ${vip.address}/${vip.prefixLength}; ${message}`,
  });
  const owner = taken.find(({ host }) => host === vip.address);
  if (owner !== undefined) return [problem(`that is ${formatPath(owner.path)}; take an address that no machine has`)];
  if (isOfNobody(subnet)) return [problem("that is the address of the network itself or its broadcast; take another")];
  const outside = nodes.findIndex(({ frontend }) => !contains(subnet, frontend));
  if (outside < 0) return [];
  return [
    problem(
      `nodes[${outside}].frontend, ${nodes[outside]?.frontend}, is outside that network; take a free address of the frontend's network`,
    ),
  ];
}

/** Pods and services have networks of their own. */
export function checkNetworks(site: SitePart<"kubernetes" | "nodes" | "witness" | "datastore">): Problem[] {
  const { kubernetes } = site;
  if (kubernetes.distribution === "none") return [];
  const { podCidr, serviceCidr, endpoint } = kubernetes;
  const [pods, services] = [parseNetwork(podCidr), parseNetwork(serviceCidr)];
  const problems: Problem[] = [];
  if (overlaps(pods, services))
    problems.push({
      path: ["kubernetes", "serviceCidr"],
      message: `is ${serviceCidr}, which overlaps podCidr, ${podCidr}; take another network`,
    });
  if (services.prefixLength > longestServicePrefix || services.prefixLength < shortestServicePrefix)
    problems.push({
      path: ["kubernetes", "serviceCidr"],
      message: `is ${serviceCidr}; an API server takes no more than 2^20 addresses, and the name server gets the tenth: use a prefix length from ${shortestServicePrefix} to ${longestServicePrefix}`,
    });
  const { longest, because } = podRoom(kubernetes);
  if (pods.prefixLength > longest)
    problems.push({
      path: ["kubernetes", "podCidr"],
      message: `is ${podCidr}; ${because}: use a prefix length of at most ${longest}`,
    });
  const machines = [endpoint.address, ...[...nodeAddresses(site), ...datastoreHosts(site)].map(({ host }) => host)];
  for (const [key, network] of [
    ["podCidr", pods],
    ["serviceCidr", services],
  ] as const) {
    const inside = machines.find((host) => isIPv4(host) && contains(network, host));
    if (inside !== undefined)
      problems.push({
        path: ["kubernetes", key],
        message: `is ${kubernetes[key]}, which holds ${inside}, an address of this site; take another network`,
      });
  }
  return problems;
}

/** The longest prefix of the pods' network that leaves room for both nodes. */
function podRoom(kubernetes: ClusterConfig<unknown>): { longest: number; because: string } {
  if (kubernetes.distribution === "upstream" && kubernetes.workloads !== undefined)
    return { longest: 24, because: `each node gives addresses of its half to at most ${podsPerNode} pods` };
  return {
    longest: nodePodPrefix - 1,
    because: `each node gets a network of prefix length ${nodePodPrefix} out of it`,
  };
}

/** Of one CEL expression, in characters: cel-go's own limit, which the API server leaves as it is. */
export const longestExpression = 100_000;

/** An API server reads each list as one expression. */
export function checkMutationGuard({ kubernetes }: SitePart<"kubernetes">): Problem[] {
  if (kubernetes.distribution === "none" || kubernetes.mutationGuard === undefined) return [];
  const guard = kubernetes.mutationGuard;
  return (["approvedMutationList", "impairedMutationList"] as const).flatMap((list) => {
    const { length } = listExpression(guard[list]);
    const message = `comes to ${length} characters of CEL, and an API server takes ${longestExpression}; name groups in the place of users, namespaces in the place of names`;
    return length > longestExpression ? [{ path: ["kubernetes", "mutationGuard", list], message }] : [];
  });
}

/** Only a claim proves that a node is lost, and only a node that runs pods has a Node object. */
export function checkOutOfServiceTaint(site: SitePart<"kubernetes" | "datastore" | "witness">): Problem[] {
  const { kubernetes } = site;
  if (kubernetes.distribution === "none" || !kubernetes.outOfServiceTaint) return [];
  const problem = (message: string): Problem[] => [
    { path: ["kubernetes", "outOfServiceTaint"], message: `is true; ${message}` },
  ];
  if (profileOf(site).aside === undefined)
    return problem(
      "on an etcd cluster elsewhere no node claims the data of the other, so nothing proves one lost: leave it out, or use datastore.kind etcd-witness",
    );
  if (kubernetes.distribution === "upstream" && kubernetes.workloads === undefined)
    return problem("the nodes run no pods that could be given up: leave it out, or set workloads to true");
  return [];
}

/** retry < renew < lease, and a renewal outlasts the longest gap: else a failover of the datastore costs both managers their leases. */
export function checkLeaderElection(site: SitePart<"kubernetes" | "datastore" | "witness">): Problem[] {
  const { kubernetes } = site;
  if (kubernetes.distribution === "none") return [];
  const { longestGapMs, leaderElection } = kubernetesTimes(kubernetes, profileOf(site).gaps);
  const { leaseMs, renewMs, retryMs } = leaderElection;
  const problem = (key: keyof typeof keys, ms: number, why: string): Problem => ({
    path: ["kubernetes", "leaderElection", keys[key]],
    message: `is ${formatDuration(ms)}; ${why}`,
  });
  if (retryMs < 1) return [problem("retryMs", retryMs, "a manager must wait between two tries: use at least 1ms")];
  const leastRenew = Math.max(leastRenewMs(longestGapMs, retryMs), Math.ceil(retryJitter * retryMs) + 1);
  if (renewMs < leastRenew)
    return [
      problem(
        "renewMs",
        renewMs,
        `a manager must keep its lease over ${formatDuration(longestGapMs)}, the longest time without writes after a failure, and try twice more: use at least ${formatDuration(leastRenew)}`,
      ),
    ];
  const leastLease = leastLeaseMs(renewMs, retryMs);
  if (leaseMs < leastLease)
    return [
      problem(
        "leaseMs",
        leaseMs,
        `it must outlast the ${formatDuration(renewMs)} for which its holder tries to renew it, and the ${formatDuration(retryMs)} before, or two managers may be at work; a lease counts whole seconds: use at least ${formatDuration(leastLease)}`,
      ),
    ];
  return [];
}

const keys = { leaseMs: "leaseDuration", renewMs: "renewDeadline", retryMs: "retryPeriod" } as const satisfies Record<
  keyof ClusterConfig["leaderElection"],
  string
>;
