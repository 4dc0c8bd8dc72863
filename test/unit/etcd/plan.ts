import type { ClusterPlan } from "../../../components/etcd/config.ts";

export const plan: ClusterPlan = {
  site: "store-0042",
  nodes: [
    { name: "n1", frontend: "10.77.1.11", backend: "10.77.2.11" },
    { name: "n2", frontend: "10.77.1.12", backend: "10.77.2.12" },
  ],
  datastore: {
    heartbeatMs: 100,
    electionTimeoutMs: { nodeOne: 1000, nodeTwo: 5000 },
    quotaBackendBytes: 2 ** 30,
    autoCompaction: { mode: "periodic", retentionMs: 3_600_000 },
    etcd: { version: "3.5.35", url: "https://example.org/etcd.tar.gz", sha256: "" },
  },
};
