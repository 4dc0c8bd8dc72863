/** The shape of `tandem:site`'s `kubernetes`: one branch per distribution. */
import { z } from "zod";
import { duration, httpsUrl, interfaceName, keyMessage, kubernetesVersion, map, network, sha256 } from "./fields.ts";
import type { KubernetesConfig, UpstreamConfig } from "./site-config.ts";

const none = map({ distribution: z.literal("none") }).transform((value): KubernetesConfig => value);

const programs = map({
  "kube-apiserver": sha256,
  "kube-controller-manager": sha256,
  "kube-scheduler": sha256,
  kubectl: sha256,
}).describe("SHA-256 sum of each program, as published beside it");

const leaderElection = map({
  leaseDuration: duration.optional().describe("How long a lease of a manager holds"),
  renewDeadline: duration.optional().describe("How long its holder tries to renew it before it steps down"),
  retryPeriod: duration.optional().describe("Between two tries"),
})
  .prefault({})
  .describe("Of controller-manager and scheduler; computed from the longest gap of the datastore where absent");

const upstream = map({
  distribution: z.literal("upstream"),
  version: kubernetesVersion.describe("Release, e.g. v1.34.4"),
  source: httpsUrl
    .optional()
    .describe("Folder with the release's programs, if not at dl.k8s.io; name that of the nodes’ architecture"),
  sha256: programs,
  vip: network("of the API, e.g. 10.77.1.10/24").describe(
    "Address of the API, with the length of its network's prefix",
  ),
  interface: interfaceName.describe("Network interface of the frontend on both nodes, which gets the address"),
  podCidr: network("of the pods, e.g. 10.244.0.0/16").prefault("10.244.0.0/16").describe("IPv4 network of the pods"),
  serviceCidr: network("of the services, e.g. 10.96.0.0/16")
    .prefault("10.96.0.0/16")
    .describe("IPv4 network of the services"),
  leaderElection,
}).transform(
  ({ source, vip, interface: name, podCidr, serviceCidr, leaderElection, ...value }): UpstreamConfig => ({
    ...value,
    source: source ?? `https://dl.k8s.io/release/${value.version}/bin/linux/amd64`,
    vip: { ...vip, interface: name },
    podCidr: `${podCidr.address}/${podCidr.prefixLength}`,
    serviceCidr: `${serviceCidr.address}/${serviceCidr.prefixLength}`,
    leaderElection: {
      leaseMs: leaderElection.leaseDuration,
      renewMs: leaderElection.renewDeadline,
      retryMs: leaderElection.retryPeriod,
    },
  }),
);

export const kubernetes = z.discriminatedUnion("distribution", [none, upstream], {
  error: (issue) => keyMessage(issue, "distribution", "upstream or none (the datastore alone)", ["k3s"]),
});
