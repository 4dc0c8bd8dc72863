/** The shape of `tandem:site`'s `datastore`: one branch per kind. */
import { z } from "zod";
import { etcdCluster } from "./etcd-cluster-schema.ts";
import { choice, duration, httpsUrl, integer, keyMessage, map, packageName, port, sha256, size } from "./fields.ts";
import { received } from "./problems.ts";
import type { EtcdWitnessConfig } from "./site-config.ts";
import { defaultElectionTimeouts } from "./timing.ts";

/** The ports that the arbitration protocol and etcd use on both nodes. */
const protocolPorts = { first: 2379, last: 2384 };

const drbd = map({
  version: choice(["auto", "9", "8.4", 9, 8.4])
    .prefault("auto")
    .transform((value) => String(value) as "auto" | "9" | "8.4")
    .describe("DRBD kernel module; auto takes the one on the nodes"),
  port: port
    .refine((value) => value < protocolPorts.first || value > protocolPorts.last, {
      error: (issue) =>
        `is ${issue.input}; ${protocolPorts.first} to ${protocolPorts.last} are taken by etcd and the agents`,
    })
    .prefault(7788)
    .describe("TCP port on the backend"),
  minor: integer(0, 255).prefault(10).describe("Minor number of /dev/drbd<minor>"),
  resyncRate: size("1MiB", "4GiB")
    .prefault("50MiB")
    .describe("Per second; about half of the link, so that a resync is short and writes still pass"),
  package: packageName.optional().describe("Debian package with the kernel module, if it is not in the kernel"),
}).transform(({ resyncRate, ...value }) => ({
  ...value,
  resyncRateBytesPerSecond: resyncRate,
  package: value.package,
}));

const autoCompaction = z
  .discriminatedUnion(
    "mode",
    [
      map({ mode: z.literal("periodic"), retention: duration }).transform(({ mode, retention }) => ({
        mode,
        retentionMs: retention,
      })),
      map({ mode: z.literal("revision"), retention: integer(1, 1_000_000_000) }).transform(({ mode, retention }) => ({
        mode,
        retentionRevisions: retention,
      })),
    ],
    { error: (issue) => keyMessage(issue, "mode", "periodic or revision") },
  )
  .prefault({ mode: "periodic", retention: "1h" })
  .describe("etcd's automatic compaction");

const etcdVersion = z
  .string({ error: (issue) => `${received(issue.input)}; must be a version in quotes, e.g. "3.5.28"` })
  .refine(isFixedEtcd, {
    error: (issue) =>
      `${received(issue.input)}; must be 3.5.28 or a later 3.5, or 3.6.9 or a later 3.6: earlier ones can answer stale reads after a pause or a change of leader`,
  });

const etcd = map({
  version: etcdVersion.describe("Version without a leading v"),
  url: httpsUrl
    .optional()
    .describe("Where the release archive is, if not at GitHub; name the file for the nodes’ architecture"),
  sha256: sha256.describe("SHA-256 sum of the release archive"),
}).transform((value) => ({ ...value, url: value.url ?? officialEtcd(value.version) }));

export const etcdWitness = map({
  kind: z.literal("etcd-witness", {
    error: (issue) => `${received(issue.input)}; must be etcd-witness or etcd-cluster`,
  }),
  leader: choice(["opposite", "node-one"])
    .prefault("opposite")
    .describe("Where the etcd leader sits: opposite T (fast), or on node one (each takeover waits readHoldOff)"),
  heartbeat: duration.prefault("100ms").describe("etcd heartbeat of all members"),
  electionTimeouts: map({ nodeOne: duration.optional(), nodeTwo: duration.optional() })
    .prefault({})
    .describe("Election timeouts of the members on each node, T included"),
  readHoldOff: duration.prefault("5s").describe("How long a node that took over without the leader waits to start T"),
  killLimit: duration.prefault("3s").describe("How long a frozen T may live without a verdict"),
  silence: duration.prefault("300ms").describe("Time without the sibling's packets after which its loss is suspected"),
  drbd: drbd.prefault({}).describe("The replicated volume etcd-t"),
  quotaBackend: size("64MiB", "8GiB")
    .prefault("1GiB")
    .describe("etcd's quota; the volume needs 2.4 times as much and 538 MiB more"),
  autoCompaction,
  etcd: etcd.describe("The etcd release to install"),
}).transform(
  ({ heartbeat, electionTimeouts, readHoldOff, killLimit, silence, quotaBackend, ...value }): EtcdWitnessConfig => {
    const fallback = defaultElectionTimeouts(value.leader, heartbeat, readHoldOff);
    return {
      ...value,
      heartbeatMs: heartbeat,
      electionTimeoutMs: {
        nodeOne: electionTimeouts.nodeOne ?? fallback.nodeOne,
        nodeTwo: electionTimeouts.nodeTwo ?? fallback.nodeTwo,
      },
      readHoldOffMs: readHoldOff,
      killLimitMs: killLimit,
      silenceMs: silence,
      quotaBackendBytes: quotaBackend,
    };
  },
);

export const datastore = z.discriminatedUnion("kind", [etcdWitness, etcdCluster], {
  error: (issue) => keyMessage(issue, "kind", "etcd-witness or etcd-cluster", ["etcd-vrrp", "nats"]),
});

/** Releases with the fixes of stale reads after a paused process and of the race between read index and leader change. */
function isFixedEtcd(version: string): boolean {
  const [, minor, patch] = /^3\.(5|6)\.(0|[1-9][0-9]{0,4})$/.exec(version) ?? [];
  return minor === "5" ? Number(patch) >= 28 : minor === "6" && Number(patch) >= 9;
}

function officialEtcd(version: string): string {
  return `https://github.com/etcd-io/etcd/releases/download/v${version}/etcd-v${version}-linux-amd64.tar.gz`;
}
