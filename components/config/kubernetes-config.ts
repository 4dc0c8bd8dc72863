/** The `kubernetes` section of a site, as `site-config.ts` has the others. */
import type * as pulumi from "@pulumi/pulumi";

/** Discriminated by `distribution`; `none` is the datastore alone. */
export type KubernetesConfig<S = pulumi.Output<string>> = { readonly distribution: "none" } | ClusterConfig<S>;

/** A control plane on both nodes. */
export type ClusterConfig<S = pulumi.Output<string>> = UpstreamConfig | K3sConfig<S>;

/** The control plane of kubernetes.io on both nodes. */
export interface UpstreamConfig extends ClusterCommon {
  readonly distribution: "upstream";
  /** SHA-256 of each program of the release. */
  readonly sha256: Readonly<Record<ControlPlaneProgram, string>>;
  /** What runs pods on both nodes; undefined = the control plane alone. */
  readonly workloads: WorkloadsConfig | undefined;
}

export interface WorkloadsConfig {
  /** SHA-256 of the release's kubelet. */
  readonly kubeletSha256: string;
  /** Reference of the image that holds a pod's namespaces. */
  readonly pauseImage: string;
}

export type ControlPlaneProgram = "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kubectl";

/** k3s as a server on both nodes, which run pods too. */
export interface K3sConfig<S = pulumi.Output<string>> extends ClusterCommon {
  readonly distribution: "k3s";
  /** SHA-256 of the program and of the archive with the images of its packaged parts. */
  readonly sha256: Readonly<Record<"k3s" | "images", string>>;
  /** Of a cluster that is there already, in any form that k3s takes; one is made with the stack where undefined. */
  readonly token: S | undefined;
  /** Packaged parts that are left out. */
  readonly disable: readonly K3sPart[];
  /** Network interface of the frontend, the same name on both nodes: over it their pods talk to each other. */
  readonly interface: string;
}

export type K3sPart = "coredns" | "local-storage" | "metrics-server" | "servicelb" | "traefik";

interface ClusterCommon {
  /** As in the release's name, with its v. */
  readonly version: string;
  /** The release's folder of files for one architecture, without a trailing slash. */
  readonly source: string;
  /** Where clients find the API. */
  readonly endpoint: ApiEndpoint;
  /** IPv4 networks of pods and of services, as `address/bits`. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Of the managers; computed from the datastore's longest gap where undefined. */
  readonly leaderElection: { readonly [K in keyof LeaderElection]: LeaderElection[K] | undefined };
  /** Undefined where the site is never to be restricted. */
  readonly mutationGuard: MutationGuardConfig | undefined;
  /** Whether the node that has won a claim marks its silent sibling as out of service. */
  readonly outOfServiceTaint: boolean;
}

/** Where clients find the API, discriminated by `kind`. */
export type ApiEndpoint = VirtualAddress | LoadBalancerConfig;

/** An address of its own; whichever node has it answers. */
export interface VirtualAddress {
  readonly kind: "vip";
  readonly address: string;
  readonly prefixLength: number;
  /** Network interface of the frontend, the same name on both nodes. */
  readonly interface: string;
}

/** A machine in front of both nodes, which is none of them. */
export interface LoadBalancerConfig {
  readonly kind: "load-balancer";
  /** IPv4 address or host name, for SSH and for clients. */
  readonly address: string;
  readonly hostKey: string;
  /** TCP port of the API there. */
  readonly port: number;
}

/** What may be changed through the API while the site is not whole. */
export interface MutationGuardConfig {
  /** What users may do while the site is LeaderRX: its leader goes on alone, and controllers go on as well. */
  readonly approvedMutationList: readonly ApprovedMutation[];
  /** What users may do while the site is Impaired; controllers make and delete no workloads then. */
  readonly impairedMutationList: readonly ApprovedMutation[];
  /** Whom neither state restricts, besides the control plane and the break-glass group. */
  readonly exempt: Subjects;
}

/** A request is of this kind if it is in each list that is there; a list that is undefined takes every request. */
export interface ApprovedMutation {
  readonly who: Subjects | undefined;
  readonly operations: readonly MutatingOperation[] | undefined;
  /** The core group is the empty text. */
  readonly apiGroups: readonly string[];
  /** In the plural, with the subresource after a slash: `deployments`, `deployments/scale`. */
  readonly resources: readonly string[];
  /** A request for what belongs to no namespace is in no such list. */
  readonly namespaces: readonly string[] | undefined;
  readonly names: readonly string[] | undefined;
}

/** The users themselves, and the members of the groups. */
export interface Subjects {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export type MutatingOperation = "CREATE" | "UPDATE" | "DELETE";

/** client-go's three times: how long a lease holds, how long its holder tries to renew it, and how often. */
export interface LeaderElection {
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly retryMs: number;
}
