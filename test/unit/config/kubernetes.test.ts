import { describe, expect, it } from "vitest";
import { kubernetesTimes } from "../../../components/config/kubernetes-timing.ts";
import type { UpstreamConfig } from "../../../components/config/site-config.ts";
import { timesOf } from "../../../components/config/timing.ts";
import { errorsOf, type Raw, siteOf } from "./sample.ts";

const sum = "0".repeat(64);
const programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];
const upstream = {
  distribution: "upstream",
  version: "v1.34.4",
  sha256: Object.fromEntries(programs.map((name) => [name, sum])),
  vip: "10.77.1.10/24",
  interface: "eth0",
};

function withKubernetes(change: object, more: (site: Raw) => void = () => {}) {
  return (site: Raw) => {
    site.kubernetes = { ...upstream, ...change };
    more(site);
  };
}

describe("a site with Kubernetes", () => {
  it("has its defaults filled in", () => {
    expect(siteOf(withKubernetes({})).kubernetes).toEqual({
      distribution: "upstream",
      version: "v1.34.4",
      source: "https://dl.k8s.io/release/v1.34.4/bin/linux/amd64",
      sha256: upstream.sha256,
      vip: { address: "10.77.1.10", prefixLength: 24, interface: "eth0" },
      podCidr: "10.244.0.0/16",
      serviceCidr: "10.96.0.0/16",
      leaderElection: { leaseMs: undefined, renewMs: undefined, retryMs: undefined },
    });
  });

  it("keeps the managers' leases, and the nodes, over the longest gap of its datastore", () => {
    const site = siteOf(withKubernetes({}));
    const times = kubernetesTimes(site.kubernetes as UpstreamConfig, timesOf(site));
    expect(times).toEqual({
      longestGapMs: 16900,
      leaderElection: { leaseMs: 23000, renewMs: 21000, retryMs: 2000 },
      notReadyAfter: 5,
      nodeMonitorGraceMs: 25000,
      podEvictionMs: 25000,
    });
  });
});

const cases: [string, (site: Raw) => void, string][] = [
  [
    "an address that is a node's",
    withKubernetes({ vip: "10.77.1.11/24" }),
    "kubernetes.vip: is 10.77.1.11/24; that is nodes[0].frontend; take an address that no machine has",
  ],
  [
    "an address that is the witness's",
    withKubernetes({ vip: "10.77.1.20/24" }),
    "kubernetes.vip: is 10.77.1.20/24; that is witness.host; take an address that no machine has",
  ],
  [
    "an address outside the frontend's network",
    withKubernetes({ vip: "10.77.3.10/24" }),
    "kubernetes.vip: is 10.77.3.10/24; nodes[0].frontend, 10.77.1.11, is outside that network; take a free address of the frontend's network",
  ],
  [
    "an address without its network",
    withKubernetes({ vip: "10.77.1.10" }),
    'kubernetes.vip: is "10.77.1.10"; must be an IPv4 address and prefix length of the API, e.g. 10.77.1.10/24',
  ],
  [
    "services among the pods",
    withKubernetes({ serviceCidr: "10.244.8.0/21" }),
    "kubernetes.serviceCidr: is 10.244.8.0/21, which overlaps podCidr, 10.244.0.0/16; take another network",
  ],
  [
    "pods among the machines",
    withKubernetes({ podCidr: "10.77.0.0/16" }),
    "kubernetes.podCidr: is 10.77.0.0/16, which holds 10.77.1.10, an address of this site; take another network",
  ],
  [
    "a renewal that a failover outlasts",
    withKubernetes({ leaderElection: { renewDeadline: "10s" } }),
    "kubernetes.leaderElection.renewDeadline: is 10s; a manager must keep its lease over 16900ms, the longest time without writes after a failure, and try twice more: use at least 20901ms",
  ],
  [
    "a lease shorter than its renewal",
    withKubernetes({ leaderElection: { renewDeadline: "30s", leaseDuration: "20s" } }),
    "kubernetes.leaderElection.leaseDuration: is 20s; it must outlast the 30s for which its holder tries to renew it, or two managers may be at work: use at least 30001ms",
  ],
  [
    "a version that is no release",
    withKubernetes({ version: "1.34" }),
    'kubernetes.version: is "1.34"; must be a release of Kubernetes from 1.30 on, e.g. v1.34.4',
  ],
  [
    "a program that is not pinned",
    withKubernetes({ sha256: { ...upstream.sha256, kubectl: "latest" } }),
    'kubernetes.sha256.kubectl: is "latest"; must be a SHA-256 sum, 64 lower-case hexadecimal digits',
  ],
];

describe("a refusal names the path, what it was, what is allowed", () => {
  it.each(cases)("%s", (_, spoil, message) => {
    expect(errorsOf(spoil)).toEqual([`tandem:site: ${message}`]);
  });
});
