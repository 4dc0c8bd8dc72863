import { describe, expect, it } from "vitest";
import { parseSite } from "../../../components/config/parse.ts";
import { errorsOf, hostKeys, type Raw, rawSite, siteOf } from "./sample.ts";

const sha256 = "0".repeat(64);

describe("a site with only what must be there", () => {
  it("gets every default", () => {
    const { ssh, ...site } = siteOf();
    expect(site).toEqual({
      environment: undefined,
      name: "store-0042",
      nodes: rawSite().nodes.map((node: Raw) => ({ ...node, port: undefined })),
      witness: {
        kind: "managed",
        host: "10.77.1.20",
        hostKey: hostKeys.witness,
        port: 8443,
        url: "https://10.77.1.20:8443",
        waitOffsetMs: 300,
        storage: { kind: "tmpfs" },
      },
      datastore: {
        kind: "etcd-witness",
        leader: "opposite",
        heartbeatMs: 100,
        electionTimeoutMs: { nodeOne: 1000, nodeTwo: 5000 },
        readHoldOffMs: 5000,
        killLimitMs: 3000,
        silenceMs: 300,
        drbd: { version: "auto", port: 7788, minor: 10, resyncRateBytesPerSecond: 52_428_800, package: undefined },
        quotaBackendBytes: 1_073_741_824,
        autoCompaction: { mode: "periodic", retentionMs: 3_600_000 },
        etcd: {
          version: "3.5.33",
          url: "https://github.com/etcd-io/etcd/releases/download/v3.5.33/etcd-v3.5.33-linux-amd64.tar.gz",
          sha256,
        },
      },
      kubernetes: { distribution: "none" },
      artifacts: { bundle: undefined, node: undefined },
      pki: { certificateValidityDays: 365, renewBeforeDays: 30, rotation: 0 },
      destroy: { purgeData: false },
    });
    expect(ssh).toMatchObject({ user: "root", port: 22, dialTimeoutSeconds: 10, dialAttempts: 3 });
  });

  it("is refused without any one of its parts", () => {
    const missing = (section: string) => errorsOf((site) => delete site[section]);
    expect(["name", "nodes", "ssh", "witness", "datastore", "kubernetes"].map(missing)).toEqual([
      [
        "tandem:site: name: is missing; must be a label of lower-case letters, digits and inner hyphens, at most 63 characters",
      ],
      ["tandem:site: nodes: is missing; must be a list of two nodes, node one first"],
      ["tandem:site: ssh: is missing; must be a map of user, privateKey, port, dialTimeout, dialAttempts"],
      ["tandem:site: witness: is missing; must be a map of host, hostKey, port, waitOffset, storage"],
      ["tandem:site: datastore: is missing; must be a map with kind: etcd-witness or etcd-cluster"],
      [
        "tandem:site: kubernetes: is missing; must be a map with distribution: k3s, upstream or none (the datastore alone)",
      ],
    ]);
  });
});

describe("what an author may choose", () => {
  it("is read with its units", () => {
    const site = siteOf((raw) => {
      raw.nodes[1].port = 2222;
      raw.ssh.dialTimeout = "1500ms";
      raw.witness.storage = { path: "/srv/tandem" };
      raw.witness.waitOffset = "2s";
      raw.datastore.leader = "node-one";
      raw.datastore.drbd = { version: 8.4, resyncRate: "1GiB", package: "drbd-dkms" };
      raw.datastore.autoCompaction = { mode: "revision", retention: 1000 };
      raw.datastore.etcd.url = "https://mirror.example/etcd.tar.gz";
      raw.artifacts = { bundle: "/opt/bundle", node: { version: "24.11.0", sha256 } };
      raw.pki = { certificateValidity: "2y", renewBefore: "90d", rotation: 3 };
      raw.destroy = { purgeData: true };
    });
    expect(site).toMatchObject({
      nodes: [{ port: undefined }, { port: 2222 }],
      ssh: { dialTimeoutSeconds: 2 },
      witness: { storage: { kind: "disk", path: "/srv/tandem" }, waitOffsetMs: 2000 },
      datastore: {
        electionTimeoutMs: { nodeOne: 3000, nodeTwo: 5000 },
        drbd: { version: "8.4", resyncRateBytesPerSecond: 2 ** 30, package: "drbd-dkms" },
        autoCompaction: { mode: "revision", retentionRevisions: 1000 },
        etcd: { url: "https://mirror.example/etcd.tar.gz" },
      },
      artifacts: {
        bundle: "/opt/bundle",
        node: { url: "https://nodejs.org/dist/v24.11.0/node-v24.11.0-linux-x64.tar.gz", sha256 },
      },
      pki: { certificateValidityDays: 730, renewBeforeDays: 90, rotation: 3 },
      destroy: { purgeData: true },
    });
  });

  it("leaves node two's default election timeout at the read hold-off, in whole heartbeats", () => {
    const { electionTimeoutMs } = siteOf((raw) => {
      raw.datastore.readHoldOff = "7100ms";
      raw.datastore.heartbeat = "300ms";
    }).datastore;
    expect(electionTimeoutMs).toEqual({ nodeOne: 3000, nodeTwo: 7200 });
  });
});

/** Each case spoils one thing and states the whole message. */
const cases: [string, (site: Raw) => void, string][] = [
  [
    "an unknown key at the top",
    (site) => Object.assign(site, { node: [] }),
    "node: unknown key; known here: environment, name, nodes, ssh, witness, datastore, kubernetes, artifacts, pki, destroy",
  ],
  [
    "an unknown key inside",
    (site) => Object.assign(site.nodes[0], { hostkey: "x" }),
    "nodes[0].hostkey: unknown key; known here: name, frontend, backend, disk, hostKey, port",
  ],
  [
    "a wrong type",
    (site) => Object.assign(site.ssh, { port: "22" }),
    'ssh.port: is "22"; must be a whole number from 1 to 65535',
  ],
  [
    "a fraction",
    (site) => Object.assign(site.ssh, { dialAttempts: 1.5 }),
    "ssh.dialAttempts: is the number 1.5; must be a whole number from 1 to 100",
  ],
  [
    "a list in place of a map",
    (site) => Object.assign(site, { pki: [] }),
    "pki: is a list; must be a map of certificateValidity, renewBefore, rotation",
  ],
  [
    "a text in place of a flag",
    (site) => Object.assign(site, { destroy: { purgeData: "yes" } }),
    'destroy.purgeData: is "yes"; must be true or false',
  ],
  [
    "a name that is no label",
    (site) => Object.assign(site, { name: "Store_1" }),
    'name: is "Store_1"; must be a label of lower-case letters, digits and inner hyphens, at most 63 characters',
  ],
  ["one node", (site) => site.nodes.pop(), "nodes: has 1 nodes; must have two, node one first"],
  ["three nodes", (site) => site.nodes.push(site.nodes[0]), "nodes: has 3 nodes; must have two, node one first"],
  [
    "an address out of range",
    (site) => Object.assign(site.nodes[0], { frontend: "10.77.1.256" }),
    'nodes[0].frontend: is "10.77.1.256"; must be an IPv4 address of one machine, e.g. 10.77.1.11',
  ],
  [
    "an address of no machine",
    (site) => Object.assign(site.nodes[0], { backend: "127.0.0.1" }),
    'nodes[0].backend: is "127.0.0.1"; must be an IPv4 address of one machine, e.g. 10.77.1.11',
  ],
  [
    "no disk",
    (site) => delete site.nodes[1].disk,
    "nodes[1].disk: is missing; must be the absolute path of a block device, e.g. /dev/vg0/etcd-t",
  ],
  [
    "a disk that climbs out of /dev",
    (site) => Object.assign(site.nodes[1], { disk: "/dev/../etc/passwd" }),
    'nodes[1].disk: is "/dev/../etc/passwd"; must be the absolute path of a block device, e.g. /dev/vg0/etcd-t',
  ],
  [
    "no host key",
    (site) => delete site.nodes[0].hostKey,
    "nodes[0].hostKey: is missing; must be the machine's SSH host key, one line as `ssh-keyscan -t ed25519 <address>` prints it after the address",
  ],
  [
    "a malformed host key",
    (site) => Object.assign(site.nodes[0], { hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" }),
    "nodes[0].hostKey: is not a whole ssh-ed25519 key; copy the complete line",
  ],
  [
    "no host key of the witness",
    (site) => delete site.witness.hostKey,
    "witness.hostKey: is missing; must be the machine's SSH host key, one line as `ssh-keyscan -t ed25519 <address>` prints it after the address",
  ],
  [
    "another user than root",
    (site) => Object.assign(site.ssh, { user: "admin" }),
    'ssh.user: is "admin"; only root is supported, another user with sudo is not yet',
  ],
  [
    "a witness by name with capitals",
    (site) => Object.assign(site.witness, { host: "Witness.example" }),
    'witness.host: is "Witness.example"; must be an IPv4 address or a host name in lower case',
  ],
  [
    "another storage",
    (site) => Object.assign(site.witness, { storage: "disk" }),
    'witness.storage: is "disk"; must be tmpfs, or a map with path: a folder on a disk mounted sync,dirsync, with power-loss protection',
  ],
  [
    "a duration without a unit",
    (site) => Object.assign(site.witness, { waitOffset: 500 }),
    "witness.waitOffset: is the number 500; must be a duration such as 500ms, 15s or 2m",
  ],
  [
    "a duration with a fraction",
    (site) => Object.assign(site.datastore, { silence: "0.4s" }),
    'datastore.silence: is "0.4s"; must be a duration such as 500ms, 15s or 2m',
  ],
  [
    "the datastore etcd-vrrp",
    (site) => Object.assign(site, { datastore: { kind: "etcd-vrrp", vip: 1 } }),
    "datastore.kind: etcd-vrrp is not yet supported; use etcd-witness or etcd-cluster",
  ],
  [
    "the datastore nats",
    (site) => Object.assign(site, { datastore: { kind: "nats" } }),
    "datastore.kind: nats is not yet supported; use etcd-witness or etcd-cluster",
  ],
  [
    "a datastore that is none",
    (site) => Object.assign(site, { datastore: { kind: "mysql" } }),
    'datastore.kind: is "mysql"; must be etcd-witness or etcd-cluster',
  ],
  [
    "a datastore without a kind",
    (site) => delete site.datastore.kind,
    "datastore.kind: is missing; must be etcd-witness or etcd-cluster",
  ],
  [
    "another Kubernetes",
    (site) => Object.assign(site, { kubernetes: { distribution: "k0s" } }),
    'kubernetes.distribution: is "k0s"; must be k3s, upstream or none (the datastore alone)',
  ],
  [
    "another leader",
    (site) => Object.assign(site.datastore, { leader: "node-two" }),
    'datastore.leader: is "node-two"; must be opposite or node-one',
  ],
  [
    "another DRBD",
    (site) => Object.assign(site.datastore, { drbd: { version: "8.3" } }),
    'datastore.drbd.version: is "8.3"; must be auto, 9 or 8.4',
  ],
  [
    "a DRBD port that etcd has",
    (site) => Object.assign(site.datastore, { drbd: { port: 2380 } }),
    "datastore.drbd.port: is 2380; 2379 to 2384 are taken by etcd and the agents",
  ],
  [
    "an etcd with stale reads",
    (site) => Object.assign(site.datastore.etcd, { version: "3.5.27" }),
    'datastore.etcd.version: is "3.5.27"; must be 3.5.28 or a later 3.5, or 3.6.9 or a later 3.6: earlier ones can answer stale reads after a pause or a change of leader',
  ],
  [
    "an etcd version that YAML took for a number",
    (site) => Object.assign(site.datastore.etcd, { version: 3.6 }),
    'datastore.etcd.version: is the number 3.6; must be a version in quotes, e.g. "3.5.28"',
  ],
  [
    "no sum of etcd",
    (site) => delete site.datastore.etcd.sha256,
    "datastore.etcd.sha256: is missing; must be a SHA-256 sum, 64 lower-case hexadecimal digits",
  ],
  [
    "a quota beyond etcd's",
    (site) => Object.assign(site.datastore, { quotaBackend: "16GiB" }),
    'datastore.quotaBackend: is "16GiB"; must be a size from 64MiB to 8GiB, written such as 64MiB or 1GiB',
  ],
  [
    "another compaction",
    (site) => Object.assign(site.datastore, { autoCompaction: { mode: "hourly" } }),
    'datastore.autoCompaction.mode: is "hourly"; must be periodic or revision',
  ],
  [
    "a download without TLS",
    (site) => Object.assign(site.datastore.etcd, { url: "http://mirror.example/etcd.tar.gz" }),
    'datastore.etcd.url: is "http://mirror.example/etcd.tar.gz"; must be an https URL without user, query and fragment',
  ],
  [
    "a relative bundle",
    (site) => Object.assign(site, { artifacts: { bundle: "bundle" } }),
    'artifacts.bundle: is "bundle"; must be the absolute path of a folder',
  ],
  [
    "an old Node.js",
    (site) => Object.assign(site, { artifacts: { node: { version: "16.20.2", sha256 } } }),
    'artifacts.node.version: is "16.20.2"; must be a version of Node.js from 18 on, in quotes, e.g. "24.11.0"',
  ],
  [
    "a Node.js that is not pinned",
    (site) => Object.assign(site, { artifacts: { node: { version: "24.11.0" } } }),
    "artifacts.node.sha256: is missing; must be a SHA-256 sum, 64 lower-case hexadecimal digits",
  ],
  [
    "a validity in hours",
    (site) => Object.assign(site, { pki: { certificateValidity: "24h" } }),
    'pki.certificateValidity: is "24h"; must be a number of days or years such as 90d or 1y',
  ],
];

describe("a refusal names the path, what it was, what is allowed", () => {
  it.each(cases)("%s", (_, spoil, message) => {
    expect(errorsOf(spoil)).toEqual([`tandem:site: ${message}`]);
  });

  it("all at once, those of shape and those of relations", () => {
    const errors = errorsOf((site) => {
      site.nodes[1].frontend = "10.77.1.11";
      site.witness.waitOffset = "10ms";
      site.ssh = "key";
      site.name = "";
      site.extra = 1;
    });
    expect(errors.map((error) => error.split(": ")[1])).toEqual([
      "extra",
      "name",
      "ssh",
      "nodes[1].frontend",
      "witness.waitOffset",
    ]);
  });

  it("also if there is no map at all", () => {
    expect(parseSite("store", {})).toMatchObject({
      errors: [
        "tandem:site: is a text; must be a map of environment, name, nodes, ssh, witness, datastore, kubernetes, artifacts, pki, destroy",
      ],
    });
  });
});

describe("etcd releases", () => {
  it.each(["3.5.28", "3.5.100", "3.6.9", "3.6.14"])("takes %s", (version) => {
    expect(siteOf((site) => Object.assign(site.datastore.etcd, { version })).datastore.etcd.version).toBe(version);
  });

  it.each(["3.4.42", "3.5.9", "3.6.8", "3.7.1", "4.0.0", "v3.5.28", "3.5.028", "3.5", ""])("refuses %s", (version) => {
    expect(errorsOf((site) => Object.assign(site.datastore.etcd, { version }))).toHaveLength(1);
  });
});
