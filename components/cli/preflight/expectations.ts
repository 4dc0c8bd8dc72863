import type { VolumeOrder } from "../volume/order.ts";

/** What a machine must be before anything is installed on it; stdin of `tandem preflight`, as JSON. */
export interface Expectations {
  readonly site: string;
  /** How the machine is called in the site's configuration. */
  readonly machine: string;
  /** What only a node needs. */
  readonly node?: NodeExpectations;
  /** Of the token that k3s is to have, which a cluster on this machine must take; a secret. Only of a node with k3s. */
  readonly k3sTokenFingerprint?: string;
  /** TCP ports that Tandem's own units will listen on. */
  readonly ports: readonly number[];
  /** Space needed under /var/lib beside all that the site has there: programs, and the next release's beside them. */
  readonly freeBytes: number;
  /** Up to how many bytes folders grow, by their paths; what is in them already needs no more space. */
  readonly growsTo: Readonly<Record<string, number>>;
}

export interface NodeExpectations {
  /** IPv4 addresses that must be configured, by their key in the site's configuration. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Of a node that keeps the data. */
  readonly volume?: VolumeExpectations;
  /** Of a site with Kubernetes. */
  readonly apiAddress?: ApiAddressExpectations;
}

export interface VolumeExpectations {
  readonly disk: string;
  /** What the site was made with and keeps: another value would part the node from its own data or from its sibling. */
  readonly kept: Kept;
  /** Least size of the disk. */
  readonly diskBytes: number;
  readonly drbd: "auto" | "9" | "8.4";
  /** A package is to bring the module, so the one that is there before says nothing. */
  readonly drbdByPackage: boolean;
  /** Asked for the time, when it answers. */
  readonly witnessUrl: string;
}

export interface ApiAddressExpectations {
  readonly vip: string;
  /** On which this node's frontend address must be. */
  readonly interface: string;
  readonly frontend: string;
  /** The sibling's frontend address: it may have the VIP. */
  readonly sibling: string;
}

export interface ApiAddressFacts {
  /** The interface with the frontend address; null if none has it. */
  readonly frontendInterface: string | null;
  /** `this node`, `the sibling`, another's hardware address, or null if nobody answers for the VIP. */
  readonly holder: string | null;
}

export type Kept = Pick<VolumeOrder, "index" | "sibling" | "disk" | "peerUrl" | "minor" | "port">;

/** What was found on a machine. */
export interface Facts {
  readonly hostname: string;
  readonly os: { readonly id: string; readonly version: string };
  readonly kernel: string;
  /** As Node.js names it. */
  readonly arch: string;
  /** Version of the kernel module, loaded or to be loaded; null if there is none. */
  readonly drbd: string | null;
  readonly addresses: readonly string[];
  readonly freeBytes: number;
  /** What lies in the folders of {@link Expectations.growsTo}, in bytes. */
  readonly usedBytes: Readonly<Record<string, number>>;
  readonly disk: DiskFacts | null;
  /** With what this site was made here; null where it was not. */
  readonly madeWith: Partial<Kept> | null;
  /** Kubernetes is here already, with its data in an etcd cluster of somebody else. */
  readonly usesOthersEtcd: boolean;
  readonly listening: readonly Listener[];
  /** A folder of etcd data that Tandem did not make. */
  readonly foreignEtcd: boolean;
  readonly clock: Clock | null;
  /** Fingerprints of the tokens that k3s's cluster on this node takes; none where there is no such cluster, or none is asked for. */
  readonly k3sTokens: readonly string[];
  readonly apiAddress: ApiAddressFacts | null;
}

export interface DiskFacts {
  readonly kind: "missing" | "no block device" | "block device";
  readonly bytes: number;
  readonly mountpoints: readonly string[];
  /** Device-mapper, RAID or other devices that use it. */
  readonly holders: readonly string[];
  /** What wipefs finds on it: `ext4`, `dos`, `drbd`. */
  readonly signatures: readonly string[];
  /** This site's volume was made on this machine. */
  readonly ours: boolean;
  /** Of the file system of {@link ours}; null where there is none yet. */
  readonly fileSystemBytes: number | null;
}

export interface Listener {
  readonly port: number;
  /** Program, or `the kernel`. */
  readonly program: string;
  readonly ours: boolean;
}

/** Both in ms since 1970, read at the same moment. */
export interface Clock {
  readonly hereMs: number;
  readonly witnessMs: number;
}
