/**
 * What a site's configuration means once it is read: every default filled in, every unit in the name, every address checked.
 * Components take the part they need as an argument; nothing reads Pulumi's configuration anywhere else.
 */
import type * as pulumi from "@pulumi/pulumi";
import type { KubernetesConfig } from "./kubernetes-config.ts";

/**
 * One site, discriminated by its witness: its nodes keep the data themselves, or somebody else's machines do. `S` is how a secret is
 * held: a Pulumi secret in the program, {@link Sealed} where no Pulumi engine runs.
 */
export type SiteConfig<S = pulumi.Output<string>> = WitnessedSite<S> | ExternalSite<S>;

/** A site whose nodes keep the data. */
export interface WitnessedSite<S = pulumi.Output<string>> extends SiteCommon<S> {
  /** Node one, the preferred holder, then node two. */
  readonly nodes: readonly [NodeConfig, NodeConfig];
  readonly witness: WitnessConfig<S>;
  readonly datastore: EtcdWitnessConfig;
}

/** A site whose data are in an etcd cluster on other machines. */
export interface ExternalSite<S = pulumi.Output<string>> extends SiteCommon<S> {
  readonly nodes: readonly [MasterConfig, MasterConfig];
  /** Raft decides. */
  readonly witness: undefined;
  readonly datastore: EtcdClusterConfig<S>;
}

/** Sections of a site, those of a witnessed one or those of an external one. */
export type SitePart<K extends keyof SiteConfig, S = unknown> = PartOf<SiteConfig<S>, K>;
type PartOf<Site, K extends keyof Site> = Site extends unknown ? Pick<Site, K> : never;

interface SiteCommon<S> {
  /** The file under stacks/environments/ whose values lie beneath the site's own, without `.yaml`. */
  readonly environment: string | undefined;
  /** DNS label; also the site's folder on the witness, so unique among the sites of one witness. */
  readonly name: string;
  readonly ssh: SshConfig<S>;
  readonly kubernetes: KubernetesConfig<S>;
  readonly artifacts: ArtifactsConfig;
  readonly pki: PkiConfig;
  readonly destroy: DestroyConfig;
}

/** A node that Kubernetes alone is on. */
export interface MasterConfig {
  /** Host name label, as `hostname` prints it; DRBD, etcd and Kubernetes use it. */
  readonly name: string;
  /** IPv4 address for SSH, clients and the witness. */
  readonly frontend: string;
  /** SSH host key as `<type> <base64>`, without a comment. */
  readonly hostKey: string;
  /** SSH port of this node; {@link SshConfig.port} where undefined. */
  readonly port: number | undefined;
}

/** One of the two full nodes. */
export interface NodeConfig extends MasterConfig {
  /** IPv4 address on the direct link: DRBD, etcd peers, the agents' pings. */
  readonly backend: string;
  /** Absolute path of the block device under the DRBD volume `etcd-t`. */
  readonly disk: string;
}

/** How every machine of the site, a managed witness included, is reached. */
export interface SshConfig<S = pulumi.Output<string>> {
  readonly user: "root";
  /** PEM text of an unencrypted private key. */
  readonly privateKey: S;
  readonly port: number;
  /** Time limit of one dial, in whole seconds. */
  readonly dialTimeoutSeconds: number;
  /** Dials after which a machine counts as unreachable. */
  readonly dialAttempts: number;
}

export type WitnessConfig<S = pulumi.Output<string>> = ManagedWitness | ExistingWitness<S>;

interface WitnessCommon {
  /** Base URL without a trailing slash; the site's tree is `<url>/<site name>/`. */
  readonly url: string;
  /** O: how long the node that does not hold the volume waits before it claims, in ms. */
  readonly waitOffsetMs: number;
}

/** A witness that this stack installs over SSH. */
export interface ManagedWitness extends WitnessCommon {
  readonly kind: "managed";
  /** IPv4 address or host name, for SSH and for the URL. */
  readonly host: string;
  readonly hostKey: string;
  /** HTTPS port. */
  readonly port: number;
  readonly storage: WitnessStorage;
}

/**
 * Where the claims lie. `tmpfs` is made anew, with a new incarnation, at each boot of the witness; `disk` is a folder on a file system
 * mounted `sync,dirsync` on storage with power-loss protection.
 */
export type WitnessStorage = { readonly kind: "tmpfs" } | { readonly kind: "disk"; readonly path: string };

/** A witness that somebody else runs. */
export interface ExistingWitness<S = pulumi.Output<string>> extends WitnessCommon {
  readonly kind: "existing";
  /** PEM certificate of the authority that signed the witness's server certificate. */
  readonly caCertificate: string;
  readonly credentials: { readonly nodeOne: WitnessCredential<S>; readonly nodeTwo: WitnessCredential<S> };
}

/** What one node shows to an existing witness, as PEM. */
export interface WitnessCredential<S = pulumi.Output<string>> {
  readonly clientCertificate: string;
  readonly clientKey: S;
}

/** Discriminated by `kind`. */
export type DatastoreConfig<S = pulumi.Output<string>> = EtcdWitnessConfig | EtcdClusterConfig<S>;

/** Three etcd members, the third on the replicated volume `etcd-t`. Symbols in brackets are those of timing.ts. */
export interface EtcdWitnessConfig {
  readonly kind: "etcd-witness";
  /** Where the etcd leader normally sits: on the node opposite T, or on node one beside it. */
  readonly leader: "opposite" | "node-one";
  /** [HB] equal for all members. */
  readonly heartbeatMs: number;
  /** [ET] of the regular member of a node and of T while it runs there; whole multiples of the heartbeat. */
  readonly electionTimeoutMs: { readonly nodeOne: number; readonly nodeTwo: number };
  /** [H] how long a node that took over without the leader waits before it starts T. */
  readonly readHoldOffMs: number;
  /** [X] how long a frozen T may live without a verdict, from the confirmed loss. */
  readonly killLimitMs: number;
  /** Time without a packet of the sibling after which its loss is suspected. */
  readonly silenceMs: number;
  readonly drbd: DrbdConfig;
  /** etcd's --quota-backend-bytes. */
  readonly quotaBackendBytes: number;
  readonly autoCompaction: AutoCompaction;
  readonly etcd: EtcdRelease;
}

/** An etcd cluster that somebody else runs, on machines of its own. */
export interface EtcdClusterConfig<S = pulumi.Output<string>> {
  readonly kind: "etcd-cluster";
  /** Client URLs of all members, 3, 5 or 7 of them, as `https://host:port`, each on another host. */
  readonly servers: readonly string[];
  /** PEM certificates of the authorities that signed those of the servers, and this client's. */
  readonly caCertificate: string;
  /** What the site's programs show to the servers, as PEM; certificates of intermediate authorities may follow. */
  readonly clientCertificate: string;
  readonly clientKey: S;
  /** The longest time without writes, through a client of all servers, that the loss of one may bring. */
  readonly longestGapMs: number;
}

export interface DrbdConfig {
  /** `auto` takes what the kernel module on the nodes says; a fixed version is refused there if the module differs. */
  readonly version: "auto" | "9" | "8.4";
  /** TCP port on the backend. */
  readonly port: number;
  /** Minor number of the device, /dev/drbd<minor>. */
  readonly minor: number;
  readonly resyncRateBytesPerSecond: number;
  /** Debian package that brings the kernel module; undefined = the kernel's own module. */
  readonly package: string | undefined;
}

/** etcd's --auto-compaction-mode and --auto-compaction-retention. */
export type AutoCompaction =
  | { readonly mode: "periodic"; readonly retentionMs: number }
  | { readonly mode: "revision"; readonly retentionRevisions: number };

/** An official release archive (`etcd-v<version>-linux-<arch>.tar.gz`), pinned. */
export interface EtcdRelease extends PinnedArchive {
  /** Without a leading v. */
  readonly version: string;
}

export interface ArtifactsConfig {
  /**
   * Absolute folder on every machine that holds the files otherwise downloaded, and perhaps `packages/`, a flat Debian repository
   * that is asked instead of the machine's own sources; undefined = download.
   */
  readonly bundle: string | undefined;
  /** An official build of Node.js; undefined = the distribution's package. */
  readonly node: PinnedArchive | undefined;
}

export interface PinnedArchive {
  /** The last part of its path is the file's name in {@link ArtifactsConfig.bundle}. */
  readonly url: string;
  /** Of the archive; 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

export interface PkiConfig {
  readonly certificateValidityDays: number;
  /** A certificate with less than this left is renewed by the next `up`. */
  readonly renewBeforeDays: number;
  /** A higher number makes new keys and certificates. */
  readonly rotation: number;
}

export interface DestroyConfig {
  /** Whether destroying the stack also removes the etcd data; otherwise it stays on the nodes. */
  readonly purgeData: boolean;
}
