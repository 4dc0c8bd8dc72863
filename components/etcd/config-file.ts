import { stringify } from "yaml";
import type { DatastoreConfig, NodeConfig } from "../config/site-config.ts";

/** What an etcd configuration file is made from. */
export interface EtcdSite {
  readonly site: string;
  readonly nodes: readonly [NodeConfig, NodeConfig];
  readonly datastore: DatastoreConfig;
}

/** Ports of the protocol: the door drops 2380-2382 between the nodes, so T's clients are outside of it. */
export const memberPorts = { client: 2379, peer: 2380 } as const;
export const transientPorts = { client: 2383, peer: 2382 } as const;

export const memberData = "/var/lib/etcd";
export const transientData = "/var/lib/etcd-transient/data";

const pki = "/etc/tandem/pki";

/** Node index 0 runs E1, 1 runs E2. */
export function memberName(index: 0 | 1): "E1" | "E2" {
  return index === 0 ? "E1" : "E2";
}

/** Text of /etc/tandem/etcd/etcd.yaml: the regular member of a node. */
export function memberConfigFile(site: EtcdSite, index: 0 | 1): string {
  const { frontend, backend } = site.nodes[index];
  return stringify({
    name: memberName(index),
    "data-dir": memberData,
    "listen-client-urls": urls([frontend, "127.0.0.1"], memberPorts.client),
    "advertise-client-urls": urls([frontend], memberPorts.client),
    "listen-peer-urls": urls([backend], memberPorts.peer),
    "initial-advertise-peer-urls": urls([backend], memberPorts.peer),
    // A starting E2 that skipped its election timeout could win again before an old leader's reads have ended.
    "initial-election-tick-advance": index === 0,
    ...common(site, index),
  });
}

/** Text of /etc/tandem/etcd/transient.yaml: T, while it runs on this node. */
export function transientConfigFile(site: EtcdSite, index: 0 | 1): string {
  const { backend } = site.nodes[index];
  return stringify({
    name: "T",
    "data-dir": transientData,
    "listen-client-urls": urls([backend, "127.0.0.1"], transientPorts.client),
    "advertise-client-urls": urls([backend], transientPorts.client),
    "listen-peer-urls": urls([backend], transientPorts.peer),
    "initial-advertise-peer-urls": urls(backends(site), transientPorts.peer),
    "initial-election-tick-advance": false,
    ...common(site, index),
  });
}

/**
 * Options that both members of a node share. The election timeout belongs to the node, not to the member: what protects a
 * leader is the timeout of the voters that still hear it.
 */
function common(site: EtcdSite, index: 0 | 1): Record<string, unknown> {
  const { datastore, nodes } = site;
  const [one, two] = backends(site);
  return {
    "initial-cluster": [
      `E1=${url(one, memberPorts.peer)}`,
      `E2=${url(two, memberPorts.peer)}`,
      // T is where the volume is: etcd tries a member's addresses in turn.
      ...nodes.map(({ backend }) => `T=${url(backend, transientPorts.peer)}`),
    ].join(","),
    "initial-cluster-token": `tandem-${site.site}`,
    // For ever: the guards of the units refuse a member without its data, and with data this is not read.
    "initial-cluster-state": "new",
    "strict-reconfig-check": true,
    "heartbeat-interval": datastore.heartbeatMs,
    "election-timeout": datastore.electionTimeoutMs[index === 0 ? "nodeOne" : "nodeTwo"],
    "pre-vote": true,
    "quota-backend-bytes": datastore.quotaBackendBytes,
    ...compaction(datastore),
    ...corruptionChecks(datastore.etcd.version),
    "client-transport-security": { ...tls("etcd-server"), "client-cert-auth": true },
    "peer-transport-security": { ...tls("etcd-peer"), "client-cert-auth": true },
    logger: "zap",
    "log-level": "info",
  };
}

function compaction({ autoCompaction }: DatastoreConfig): Record<string, string> {
  switch (autoCompaction.mode) {
    case "periodic":
      // etcd reads Go durations.
      return {
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": `${autoCompaction.retentionMs / 1000}s`,
      };
    case "revision":
      return {
        "auto-compaction-mode": "revision",
        "auto-compaction-retention": String(autoCompaction.retentionRevisions),
      };
  }
}

/** Members compare themselves with the others before they serve, and all along. Names as of etcd 3.5 and 3.6. */
function corruptionChecks(version: string): Record<string, unknown> {
  if (version.startsWith("3.5.")) {
    return {
      "experimental-initial-corrupt-check": true,
      "experimental-corrupt-check-time": "1h",
      "experimental-compact-hash-check-enabled": true,
    };
  }
  return { "corrupt-check-time": "1h", "feature-gates": "InitialCorruptCheck=true,CompactHashCheck=true" };
}

function tls(name: string): Record<string, string> {
  return {
    "cert-file": `${pki}/${name}.crt`,
    "key-file": `${pki}/${name}.key`,
    "trusted-ca-file": `${pki}/etcd-ca.crt`,
  };
}

function backends({ nodes }: EtcdSite): [string, string] {
  return [nodes[0].backend, nodes[1].backend];
}

function urls(addresses: readonly string[], port: number): string {
  return addresses.map((address) => url(address, port)).join(",");
}

function url(address: string, port: number): string {
  return `https://${address}:${port}`;
}
