import { stringify } from "yaml";
import type { AutoCompaction, EtcdWitnessConfig, NodeConfig } from "../config/site-config.ts";

/** What the three members of a site have in common. */
export interface ClusterPlan {
  readonly site: string;
  /** Node one, then node two. */
  readonly nodes: readonly [NodePlan, NodePlan];
  readonly datastore: DatastorePlan;
}

export type NodePlan = Pick<NodeConfig, "name" | "frontend" | "backend">;

export type DatastorePlan = Pick<
  EtcdWitnessConfig,
  "heartbeatMs" | "electionTimeoutMs" | "quotaBackendBytes" | "autoCompaction" | "etcd"
>;

/** E1 or E2 on its node, or T as it runs on that node. */
export type Role = "regular" | "transient";

const clientPort = 2379;
const peerPort = 2380;
const transientPeerPort = 2382;
const transientClientPort = 2383;
const pki = "/etc/tandem/pki";
const corruptCheckHours = 4;
/**
 * Entries after which a member saves a snapshot. A start reads the log from there, 0.2 ms an entry on the lab: after etcd 3.5's
 * own 100,000 that would be 20 s, in which T promises nothing.
 */
const snapshotEntries: Readonly<Record<Role, number>> = { regular: 10_000, transient: 1000 };

/**
 * T's database takes changes once a second instead of ten times: each time costs several writes and two flushes of both
 * nodes' disks, which the clients' writes wait behind. The log has every change before it is acknowledged.
 */
const transientBatchNs = 1_000_000_000;

export const dataFolders: Readonly<Record<Role, string>> = {
  regular: "/var/lib/etcd",
  transient: "/var/lib/etcd-transient/data",
};

/** What a member finds that starts without data: `existing` for a machine in the place of a lost one. */
export type ClusterState = "new" | "existing";

/** The configuration file of a member, as YAML. */
export function etcdConfig(plan: ClusterPlan, role: Role, index: 0 | 1, state: ClusterState = "new"): string {
  return stringify(etcdOptions(plan, role, index, state), { lineWidth: 0 });
}

/** The same as an object; the keys are etcd's own. */
export function etcdOptions(
  plan: ClusterPlan,
  role: Role,
  index: 0 | 1,
  state: ClusterState = "new",
): Readonly<Record<string, unknown>> {
  const { site, nodes, datastore } = plan;
  const transport = (name: string) => ({
    "cert-file": `${pki}/${name}.crt`,
    "key-file": `${pki}/${name}.key`,
    "trusted-ca-file": `${pki}/etcd-ca.crt`,
    "client-cert-auth": true,
  });
  return {
    name: role === "transient" ? "T" : `E${index + 1}`,
    "data-dir": dataFolders[role],
    ...addresses(nodes, role, index),
    "initial-cluster": [
      ...nodes.map((node, i) => `E${i + 1}=${peerUrl(node)}`),
      ...nodes.map(({ backend }) => `T=${url(backend, transientPeerPort)}`),
    ].join(","),
    "initial-cluster-token": `tandem-${site}`,
    // A member that lost its data must not come back as a new one. With `existing` etcd asks nobody whether it was there before.
    "initial-cluster-state": state,
    "strict-reconfig-check": true,

    "heartbeat-interval": datastore.heartbeatMs,
    "election-timeout": index === 0 ? datastore.electionTimeoutMs.nodeOne : datastore.electionTimeoutMs.nodeTwo,
    // With etcd's default a starting member skips almost all of its election timeout, and T must not win over a leader that
    // it has not heard yet.
    "initial-election-tick-advance": role === "regular" && index === 0,
    "pre-vote": true,

    "snapshot-count": snapshotEntries[role],
    ...(role === "transient" && { "backend-batch-interval": transientBatchNs }),
    "quota-backend-bytes": datastore.quotaBackendBytes,
    ...compaction(datastore.autoCompaction),
    ...corruptionChecks(datastore.etcd.version),

    "client-transport-security": transport("etcd-server"),
    "peer-transport-security": transport("etcd-peer"),
    // The agent asks for leaders and moves them over plain HTTPS.
    "enable-grpc-gateway": true,

    logger: "zap",
    "log-level": "info",
    "log-outputs": ["stderr"],
  };
}

function addresses(nodes: ClusterPlan["nodes"], role: Role, index: 0 | 1) {
  const { backend } = nodes[index];
  if (role === "regular") {
    return {
      "listen-peer-urls": peerUrl(nodes[index]),
      "initial-advertise-peer-urls": peerUrl(nodes[index]),
      "listen-client-urls": `${clientUrl(nodes[index])},${url("127.0.0.1", clientPort)}`,
      "advertise-client-urls": clientUrl(nodes[index]),
    };
  }
  // Where T is at a time, the others find out by trying both.
  const everywhere = (port: number) => nodes.map((node) => url(node.backend, port)).join(",");
  return {
    "listen-peer-urls": url(backend, transientPeerPort),
    "initial-advertise-peer-urls": everywhere(transientPeerPort),
    "listen-client-urls": `${url(backend, transientClientPort)},${url("127.0.0.1", transientClientPort)}`,
    "advertise-client-urls": everywhere(transientClientPort),
  };
}

function compaction(auto: AutoCompaction) {
  switch (auto.mode) {
    case "periodic":
      return { "auto-compaction-mode": "periodic", "auto-compaction-retention": `${auto.retentionMs}ms` };
    case "revision":
      return { "auto-compaction-mode": "revision", "auto-compaction-retention": `${auto.retentionRevisions}` };
  }
}

/** etcd 3.6 renamed them, and ignores what it does not know. Durations are nanoseconds in a file. */
function corruptionChecks(version: string) {
  const every = corruptCheckHours * 3_600_000_000_000;
  if (version.startsWith("3.5."))
    return {
      "experimental-initial-corrupt-check": true,
      "experimental-corrupt-check-time": every,
      "experimental-compact-hash-check-enabled": true,
    };
  return { "feature-gates": "InitialCorruptCheck=true,CompactHashCheck=true", "corrupt-check-time": every };
}

/** Where clients reach a node's regular member. */
export function clientUrl({ frontend }: Pick<NodePlan, "frontend">): string {
  return url(frontend, clientPort);
}

/** Where the other members reach it; in etcd a member is known by this. */
export function peerUrl({ backend }: Pick<NodePlan, "backend">): string {
  return url(backend, peerPort);
}

function url(address: string, port: number): string {
  return `https://${address}:${port}`;
}
