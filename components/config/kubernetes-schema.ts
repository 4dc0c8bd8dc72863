/** The shape of `tandem:site`'s `kubernetes`: one branch per distribution. */
import { z } from "zod";
import {
  boolean,
  choice,
  duration,
  host,
  hostKey,
  httpsUrl,
  imageReference,
  integer,
  interfaceName,
  k3sToken,
  k3sVersion,
  keyMessage,
  kubernetesVersion,
  map,
  network,
  sha256,
} from "./fields.ts";
import type { Network } from "./ipv4.ts";
import type {
  ApiEndpoint,
  K3sConfig,
  K3sPart,
  KubernetesConfig,
  LoadBalancerConfig,
  MutationGuardConfig,
  UpstreamConfig,
} from "./kubernetes-config.ts";
import { mutationGuard } from "./mutation-guard-schema.ts";
import { receivedKind } from "./problems.ts";
import type { Sealed } from "./secret.ts";

const none = map({ distribution: z.literal("none") }).transform((value): KubernetesConfig<Sealed> => value);

const leaderElection = map({
  leaseDuration: duration.optional().describe("How long a lease of a manager holds"),
  renewDeadline: duration.optional().describe("How long its holder tries to renew it before it steps down"),
  retryPeriod: duration.optional().describe("Between two tries"),
})
  .prefault({})
  .describe("Of controller-manager and scheduler; computed from the longest gap of the datastore where absent");

const loadBalancer = map({
  host: host.describe("Address of the machine to install HAProxy on: none of the nodes; it may be the witness’s"),
  hostKey: hostKey.describe("SSH host key of the machine, one authorized_keys entry"),
  port: integer(1024, 65535).prefault(6443).describe("TCP port of the API on it"),
})
  .transform(({ host: address, ...value }): LoadBalancerConfig => ({ kind: "load-balancer", address, ...value }))
  .describe("In the place of vip: a machine in front of both nodes, where VRRP is not allowed");

/** What every distribution has, with its own networks for pods and services. */
function cluster(pods: string, services: string) {
  return {
    vip: network("of the API, e.g. 10.77.1.10/24")
      .optional()
      .describe("Address of the API, with the length of its network's prefix; one of the nodes has it"),
    interface: interfaceName
      .optional()
      .describe("Network interface of the frontend on both nodes, which gets the vip; k3s's pods use it too"),
    loadBalancer: loadBalancer.optional(),
    podCidr: network(`of the pods, e.g. ${pods}`).prefault(pods).describe("IPv4 network of the pods"),
    serviceCidr: network(`of the services, e.g. ${services}`)
      .prefault(services)
      .describe("IPv4 network of the services"),
    leaderElection,
    mutationGuard: mutationGuard.optional(),
    outOfServiceTaint: boolean()
      .prefault(false)
      .describe(
        "Whether the winner of a claim marks its silent sibling, so that pods and volumes there are given up at once",
      ),
  };
}

interface Cluster extends Endpoints {
  readonly podCidr: Network;
  readonly serviceCidr: Network;
  readonly leaderElection: z.output<typeof leaderElection>;
  readonly mutationGuard?: MutationGuardConfig | undefined;
  readonly outOfServiceTaint: boolean;
}

function clusterConfig({ podCidr, serviceCidr, leaderElection, mutationGuard, outOfServiceTaint }: Cluster) {
  return {
    podCidr: `${podCidr.address}/${podCidr.prefixLength}`,
    serviceCidr: `${serviceCidr.address}/${serviceCidr.prefixLength}`,
    leaderElection: {
      leaseMs: leaderElection.leaseDuration,
      renewMs: leaderElection.renewDeadline,
      retryMs: leaderElection.retryPeriod,
    },
    mutationGuard,
    outOfServiceTaint,
  };
}

const upstream = map({
  distribution: z.literal("upstream"),
  version: kubernetesVersion.describe("Release, e.g. v1.34.4"),
  source: httpsUrl
    .optional()
    .describe("Folder with the release's programs, if not at dl.k8s.io; name that of the nodes’ architecture"),
  sha256: map({
    "kube-apiserver": sha256,
    "kube-controller-manager": sha256,
    "kube-scheduler": sha256,
    kubectl: sha256,
    kubelet: sha256.optional().describe("Needed where workloads is true"),
  }).describe("SHA-256 sum of each program, as published beside it"),
  ...cluster("10.244.0.0/16", "10.96.0.0/16"),
  workloads: boolean().prefault(false).describe("Whether both nodes run pods: kubelet and containerd on each"),
  pauseImage: imageReference
    .prefault("registry.k8s.io/pause:3.10.1")
    .describe("Image that holds a pod's namespaces; a site without a way out imports it on both nodes"),
}).transform(
  ({ distribution, version, source, sha256: sums, workloads, pauseImage, ...rest }, context): UpstreamConfig => {
    const official = `https://dl.k8s.io/release/${version}/bin/linux/amd64`;
    const { kubelet, ...sha256 } = sums;
    if (workloads && kubelet === undefined)
      context.addIssue({
        code: "custom",
        path: ["sha256", "kubelet"],
        message:
          "is missing; kubernetes.workloads is true, so give the SHA-256 sum of kubelet, 64 lower-case hexadecimal digits",
      });
    if (rest.loadBalancer !== undefined && rest.vip === undefined && rest.interface !== undefined)
      addIssue(context, "interface", "gets the vip, and there is a loadBalancer in its place; leave it out");
    return {
      distribution,
      version,
      source: source ?? official,
      sha256,
      endpoint: endpointOf(rest, context),
      ...clusterConfig(rest),
      workloads: workloads && kubelet !== undefined ? { kubeletSha256: kubelet, pauseImage } : undefined,
    };
  },
);

interface Endpoints {
  readonly vip?: Network | undefined;
  readonly interface?: string | undefined;
  readonly loadBalancer?: LoadBalancerConfig | undefined;
}

/** One of the two ways to the API. */
function endpointOf(given: Endpoints, context: z.RefinementCtx): ApiEndpoint {
  const { vip, loadBalancer } = given;
  if (vip !== undefined && loadBalancer !== undefined)
    return addIssue(context, "loadBalancer", "is there beside vip, and the API has one address; leave one of them out");
  if (loadBalancer !== undefined) return loadBalancer;
  if (vip !== undefined) return { kind: "vip", ...vip, interface: interfaceOf(given, context) };
  return addIssue(
    context,
    "vip",
    "is missing, and so is loadBalancer; must be an IPv4 address and prefix length of the API, e.g. 10.77.1.10/24, which goes from node to node by VRRP, or give a loadBalancer: a machine in front of both",
  );
}

function interfaceOf({ interface: name }: Endpoints, context: z.RefinementCtx): string {
  if (name !== undefined) return name;
  const { error } = interfaceName.safeParse(undefined);
  return addIssue(context, "interface", error?.issues[0]?.message ?? "is missing");
}

function addIssue(context: z.RefinementCtx, key: string, message: string): never {
  context.addIssue({ code: "custom", path: [key], message });
  return z.NEVER;
}

const parts = ["coredns", "local-storage", "metrics-server", "servicelb", "traefik"] as const satisfies K3sPart[];

const k3s = map({
  distribution: z.literal("k3s"),
  version: k3sVersion.describe("Release, e.g. v1.34.4+k3s1"),
  source: httpsUrl.optional().describe("Folder with k3s and k3s-airgap-images-amd64.tar.zst, if not at GitHub"),
  sha256: map({
    k3s: sha256.describe("SHA-256 sum of the program"),
    images: sha256.describe("SHA-256 sum of k3s-airgap-images-amd64.tar.zst"),
  }).describe("As published in the release's sha256sum-amd64.txt"),
  token: k3sToken
    .optional()
    .describe("Token of a cluster that is there already, a secret; one is made with the stack where absent"),
  disable: z
    .array(choice(parts), { error: (issue) => `${receivedKind(issue.input)}; must be a list of ${parts.join(", ")}` })
    .prefault(["servicelb", "traefik"])
    .describe("Packaged parts that are left out; servicelb and traefik, which take ports of the nodes, where absent"),
  ...cluster("10.42.0.0/16", "10.43.0.0/16"),
}).transform(({ distribution, version, source, sha256, token, disable, ...rest }, context): K3sConfig<Sealed> => {
  const official = `https://github.com/k3s-io/k3s/releases/download/${encodeURIComponent(version)}`;
  const endpoint = endpointOf(rest, context);
  const name = interfaceOf(rest, context);
  const own = { distribution, version, source: source ?? official, sha256, token, disable, interface: name };
  return { ...own, endpoint, ...clusterConfig(rest) };
});

export const kubernetes = z.discriminatedUnion("distribution", [none, upstream, k3s], {
  error: (issue) => keyMessage(issue, "distribution", "k3s, upstream or none (the datastore alone)"),
});
