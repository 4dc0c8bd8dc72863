import { describe, expect, it } from "vitest";
import type { ClusterConfig, UpstreamConfig } from "../../../components/config/kubernetes-config.ts";
import { addressTimes, kubernetesTimes } from "../../../components/config/kubernetes-timing.ts";
import { profileOf } from "../../../components/datastore/profile.ts";
import { errorsOf, hostKeys, type Raw, siteOf, warningsOf } from "./sample.ts";

const sum = "0".repeat(64);
const programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];
const upstream = {
  distribution: "upstream",
  version: "v1.34.4",
  sha256: Object.fromEntries(programs.map((name) => [name, sum])),
  vip: "10.77.1.10/24",
  interface: "eth0",
};

const k3s = {
  distribution: "k3s",
  version: "v1.34.4+k3s1",
  sha256: { k3s: sum, images: sum },
  vip: "10.77.1.10/24",
  interface: "eth0",
};

const withWorkloads = { workloads: true, sha256: { ...upstream.sha256, kubelet: sum } };

function withKubernetes(change: object, more: (site: Raw) => void = () => {}) {
  return (site: Raw) => {
    site.kubernetes = { ...upstream, ...change };
    more(site);
  };
}

const loadBalancer = {
  host: "10.77.1.30",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICo/y7IlXu9UCBr/6hD8brAUPqllmtbc5mNxOBu72oes",
};

/** The same, with a load balancer in the place of the address. */
const balanced = (change: object, more: (site: Raw) => void = () => {}) =>
  withKubernetes({ vip: undefined, interface: undefined, loadBalancer: { ...loadBalancer, ...change } }, more);

const withK3s = (change: object) =>
  withKubernetes({}, (site) => Object.assign(site, { kubernetes: { ...k3s, ...change } }));

describe("a site with Kubernetes", () => {
  it("has its defaults filled in", () => {
    expect(siteOf(withKubernetes({})).kubernetes).toEqual({
      distribution: "upstream",
      version: "v1.34.4",
      source: "https://dl.k8s.io/release/v1.34.4/bin/linux/amd64",
      sha256: upstream.sha256,
      endpoint: { kind: "vip", address: "10.77.1.10", prefixLength: 24, interface: "eth0" },
      podCidr: "10.244.0.0/16",
      serviceCidr: "10.96.0.0/16",
      leaderElection: { leaseMs: undefined, renewMs: undefined, retryMs: undefined },
      mutationGuard: undefined,
      outOfServiceTaint: false,
      workloads: undefined,
    });
  });

  it("has k3s's own networks and fewest parts where it is k3s", () => {
    expect(siteOf(withK3s({})).kubernetes).toEqual({
      distribution: "k3s",
      version: "v1.34.4+k3s1",
      source: "https://github.com/k3s-io/k3s/releases/download/v1.34.4%2Bk3s1",
      sha256: k3s.sha256,
      disable: ["servicelb", "traefik"],
      outOfServiceTaint: false,
      interface: "eth0",
      endpoint: { kind: "vip", address: "10.77.1.10", prefixLength: 24, interface: "eth0" },
      podCidr: "10.42.0.0/16",
      serviceCidr: "10.43.0.0/16",
      leaderElection: { leaseMs: undefined, renewMs: undefined, retryMs: undefined },
    });
  });

  it("runs pods where it is told to, with a pinned kubelet", () => {
    const { workloads } = siteOf(withKubernetes(withWorkloads)).kubernetes as UpstreamConfig;
    expect(workloads).toEqual({ kubeletSha256: sum, pauseImage: "registry.k8s.io/pause:3.10.1" });
  });

  it("marks lost nodes where it is told to, if the nodes run pods", () => {
    const option = { outOfServiceTaint: true };
    expect(siteOf(withKubernetes({ ...withWorkloads, ...option })).kubernetes).toMatchObject(option);
    expect(siteOf(withK3s(option)).kubernetes).toMatchObject(option);
  });

  it("gives each node's pods a half of a network that is too small for two of the controller manager's", () => {
    expect(siteOf(withKubernetes({ ...withWorkloads, podCidr: "10.244.0.0/24" })).kubernetes).toMatchObject({
      podCidr: "10.244.0.0/24",
    });
  });

  it("does not need the sum of a kubelet that it does not install, nor minds it", () => {
    const { sha256 } = withWorkloads;
    const { kubernetes } = siteOf(withKubernetes({ sha256 }));
    expect(kubernetes).toEqual(siteOf(withKubernetes({})).kubernetes);
  });

  it("may have a load balancer in the place of the address, also beside the witness", () => {
    const endpoint = { kind: "load-balancer", address: "10.77.1.30", hostKey: loadBalancer.hostKey, port: 6443 };
    expect(siteOf(balanced({})).kubernetes).toMatchObject({ endpoint });
    const besides = { host: "10.77.1.20", hostKey: hostKeys.witness, port: 16443 };
    expect(siteOf(balanced(besides)).kubernetes).toMatchObject({ endpoint: { address: "10.77.1.20", port: 16443 } });
    expect(siteOf(withK3s({ vip: undefined, loadBalancer })).kubernetes).toMatchObject({ endpoint, interface: "eth0" });
  });

  it("is warned of a load balancer that shows the witness's key under another name", () => {
    expect(warningsOf(balanced({ host: "balancer.example", hostKey: hostKeys.witness }))).toEqual([
      "tandem:site: kubernetes.loadBalancer.host: balancer.example shows the key of witness.host, 10.77.1.20; if it is the same machine, give it the same name, and if it is a clone, new host keys with `ssh-keygen -A`",
    ]);
    expect(warningsOf(balanced({}))).toEqual([]);
  });

  it("lets a balancer's probes outlast a failover of any datastore", () => {
    const slow = (site: Raw) => {
      site.datastore.silence = "1300ms";
      site.witness.waitOffset = "2500ms";
    };
    const site = siteOf(balanced({}, slow));
    const { notReadyAfter, unansweredAfter } = kubernetesTimes(site.kubernetes as ClusterConfig, profileOf(site).gaps);
    // Both count the seconds of the same failover.
    expect(unansweredAfter * addressTimes.answerLimitMs).toBeGreaterThanOrEqual((notReadyAfter - 1) * 1000);
    expect(unansweredAfter).toBeGreaterThan(2);
  });

  it("keeps the managers' leases, and the nodes, over the longest gap of its datastore", () => {
    const site = siteOf(withKubernetes({}));
    const times = kubernetesTimes(site.kubernetes as ClusterConfig, profileOf(site).gaps);
    expect(times).toEqual({
      longestGapMs: 16900,
      leaderElection: { leaseMs: 23000, renewMs: 21000, retryMs: 2000 },
      notReadyAfter: 5,
      unansweredAfter: 2,
      nodeMonitorGraceMs: 25000,
      podEvictionMs: 25000,
      // Another holder of the lease, its patience with the node, its next look, the pods' toleration.
      podsReplacedMs: 23000 + 2000 + 25000 + 5000 + 25000,
    });
  });
});

const cases: [string, (site: Raw) => void, string][] = [
  [
    "a taint for nodes that run no pods",
    withKubernetes({ outOfServiceTaint: true }),
    "kubernetes.outOfServiceTaint: is true; the nodes run no pods that could be given up: leave it out, or set workloads to true",
  ],
  [
    "a taint that is neither set nor not",
    withK3s({ outOfServiceTaint: "yes" }),
    'kubernetes.outOfServiceTaint: is "yes"; must be true or false',
  ],
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
    "an address that is the network's",
    withKubernetes({ vip: "10.77.1.0/24" }),
    "kubernetes.vip: is 10.77.1.0/24; that is the address of the network itself or its broadcast; take another",
  ],
  [
    "no way to the API",
    withKubernetes({ vip: undefined, interface: undefined }),
    "kubernetes.vip: is missing, and so is loadBalancer; must be an IPv4 address and prefix length of the API, e.g. 10.77.1.10/24, which goes from node to node by VRRP, or give a loadBalancer: a machine in front of both",
  ],
  [
    "two ways to the API",
    withKubernetes({ loadBalancer }),
    "kubernetes.loadBalancer: is there beside vip, and the API has one address; leave one of them out",
  ],
  [
    "an address without its interface",
    withKubernetes({ interface: undefined }),
    "kubernetes.interface: is missing; must be the name of a network interface, e.g. eth0; `ip -brief address` lists them",
  ],
  [
    "an interface without its address",
    withKubernetes({ vip: undefined, loadBalancer }),
    "kubernetes.interface: gets the vip, and there is a loadBalancer in its place; leave it out",
  ],
  [
    "k3s without an interface for its pods",
    withK3s({ vip: undefined, interface: undefined, loadBalancer }),
    "kubernetes.interface: is missing; must be the name of a network interface, e.g. eth0; `ip -brief address` lists them",
  ],
  [
    "a load balancer on a node",
    balanced({ host: "n2" }),
    "kubernetes.loadBalancer.host: n2 is nodes[1].name; it would be lost with that node: take another machine, e.g. that of a witness",
  ],
  [
    "a load balancer on the port of SSH",
    balanced({ port: 2222 }, (site) => Object.assign(site.ssh, { port: 2222 })),
    "kubernetes.loadBalancer.port: 2222 is also ssh.port, which the machine listens on; give the API another",
  ],
  [
    "a load balancer on the port of the witness beside it",
    balanced({ host: "10.77.1.20", hostKey: hostKeys.witness, port: 8443 }),
    "kubernetes.loadBalancer.port: 8443 is also the witness's, on the same machine; give the API another",
  ],
  [
    "a load balancer on the witness's machine with another key",
    balanced({ host: "10.77.1.20" }),
    "kubernetes.loadBalancer.hostKey: is not witness.hostKey, and it is the same machine; give the same key in both places",
  ],
  [
    "a load balancer on a port that only root may open",
    balanced({ port: 443 }),
    "kubernetes.loadBalancer.port: is the number 443; must be a whole number from 1024 to 65535",
  ],
  [
    "a load balancer without its key",
    balanced({ hostKey: undefined }),
    "kubernetes.loadBalancer.hostKey: is missing; must be the machine's SSH host key, one line as `ssh-keyscan -t ed25519 <address>` prints it after the address",
  ],
  [
    "a network of pods without room for two nodes",
    withKubernetes({ podCidr: "10.244.0.0/24" }),
    "kubernetes.podCidr: is 10.244.0.0/24; each node gets a network of prefix length 24 out of it: use a prefix length of at most 23",
  ],
  [
    "a lease whose whole seconds are too few",
    withKubernetes({ leaderElection: { renewDeadline: "21500ms", leaseDuration: "23900ms" } }),
    "kubernetes.leaderElection.leaseDuration: is 23900ms; it must outlast the 21500ms for which its holder tries to renew it, and the 2s before, or two managers may be at work; a lease counts whole seconds: use at least 24s",
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
    "pods without a kubelet",
    withKubernetes({ workloads: true }),
    "kubernetes.sha256.kubelet: is missing; kubernetes.workloads is true, so give the SHA-256 sum of kubelet, 64 lower-case hexadecimal digits",
  ],
  [
    "workloads that are neither there nor not",
    withKubernetes({ workloads: "some" }),
    'kubernetes.workloads: is "some"; must be true or false',
  ],
  [
    "a pause image without a tag",
    withKubernetes({ pauseImage: "registry.k8s.io/pause" }),
    'kubernetes.pauseImage: is "registry.k8s.io/pause"; must be the reference of a container image with its registry and its tag or digest, e.g. registry.k8s.io/pause:3.10.1',
  ],
  [
    "a network too small for the pods of two nodes",
    withKubernetes({ ...withWorkloads, podCidr: "10.244.0.0/25" }),
    "kubernetes.podCidr: is 10.244.0.0/25; each node gives addresses of its half to at most 110 pods: use a prefix length of at most 24",
  ],
  [
    "a renewal that a failover outlasts",
    withKubernetes({ leaderElection: { renewDeadline: "10s" } }),
    "kubernetes.leaderElection.renewDeadline: is 10s; a manager must keep its lease over 16900ms, the longest time without writes after a failure, and try twice more: use at least 20901ms",
  ],
  [
    "a lease shorter than its renewal",
    withKubernetes({ leaderElection: { renewDeadline: "30s", leaseDuration: "20s" } }),
    "kubernetes.leaderElection.leaseDuration: is 20s; it must outlast the 30s for which its holder tries to renew it, and the 2s before, or two managers may be at work; a lease counts whole seconds: use at least 32s",
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
  [
    "an address of k3s that is a node's",
    withK3s({ vip: "10.77.1.12/24" }),
    "kubernetes.vip: is 10.77.1.12/24; that is nodes[1].frontend; take an address that no machine has",
  ],
  [
    "services of k3s among its pods",
    withK3s({ serviceCidr: "10.42.8.0/21" }),
    "kubernetes.serviceCidr: is 10.42.8.0/21, which overlaps podCidr, 10.42.0.0/16; take another network",
  ],
  [
    "a network of k3s's pods without room for two nodes",
    withK3s({ podCidr: "10.42.0.0/24" }),
    "kubernetes.podCidr: is 10.42.0.0/24; each node gets a network of prefix length 24 out of it: use a prefix length of at most 23",
  ],
  [
    "services of k3s in a network without an address for its name server",
    withK3s({ serviceCidr: "10.43.0.0/29" }),
    "kubernetes.serviceCidr: is 10.43.0.0/29; an API server takes no more than 2^20 addresses, and the name server gets the tenth: use a prefix length from 12 to 28",
  ],
  [
    "a renewal by k3s that a failover outlasts",
    withK3s({ leaderElection: { renewDeadline: "10s" } }),
    "kubernetes.leaderElection.renewDeadline: is 10s; a manager must keep its lease over 16900ms, the longest time without writes after a failure, and try twice more: use at least 20901ms",
  ],
  [
    "a version that is not k3s's",
    withK3s({ version: "v1.34.4" }),
    'kubernetes.version: is "v1.34.4"; must be a release of k3s from 1.33 on, e.g. v1.34.4+k3s1',
  ],
  [
    "images that are not pinned",
    withK3s({ sha256: { k3s: sum } }),
    "kubernetes.sha256.images: is missing; must be a SHA-256 sum, 64 lower-case hexadecimal digits",
  ],
  [
    "a part that k3s does not have",
    withK3s({ disable: ["ingress"] }),
    'kubernetes.disable[0]: is "ingress"; must be coredns, local-storage, metrics-server, servicelb or traefik',
  ],
  [
    "parts that are no list",
    withK3s({ disable: "traefik" }),
    "kubernetes.disable: is a text; must be a list of coredns, local-storage, metrics-server, servicelb, traefik",
  ],
  [
    "a token with a user that k3s does not know as a server",
    withK3s({ token: "node:hunter2" }),
    "kubernetes.token: is a text; must be a token of k3s: the text of /var/lib/rancher/k3s/server/token on a node, or the password at its end, set with `pulumi config set --path --secret`",
  ],
  [
    "a key that k3s does not have",
    withK3s({ agents: 2 }),
    "kubernetes.agents: unknown key; known here: distribution, version, source, sha256, token, disable, vip, interface, loadBalancer, podCidr, serviceCidr, leaderElection, mutationGuard, outOfServiceTaint",
  ],
];

describe("a refusal names the path, what it was, what is allowed", () => {
  it.each(cases)("%s", (_, spoil, message) => {
    expect(errorsOf(spoil)).toEqual([`tandem:site: ${message}`]);
  });
});
