import { beforeAll, describe, expect, it } from "vitest";
import { checkClientEnd, checkCredential } from "../../../components/config/etcd-cluster-rules.ts";
import { quorumProblem } from "../../../components/config/etcd-cluster-schema.ts";
import type { ClusterConfig } from "../../../components/config/kubernetes-config.ts";
import { kubernetesTimes } from "../../../components/config/kubernetes-timing.ts";
import { parseSite } from "../../../components/config/parse.ts";
import { Sealed } from "../../../components/config/secret.ts";
import type { ExternalSite } from "../../../components/config/site-config.ts";
import { profileOf } from "../../../components/datastore/profile.ts";
import { type Issued, issueAuthority, issueLeaf } from "../../../components/pki/provider/x509.ts";
import { errorsOf, type Raw, rawSite, warningsOf } from "./sample.ts";

const dayMs = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * dayMs).toISOString();
const dates = { notBefore: at(-10), notAfter: at(400) };
const programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];

let authority: Issued;
let otherAuthority: Issued;
let client: Issued;

const issue = (by: Issued, usage: "client" | "server" = "client", window = dates) =>
  issueLeaf({ commonName: "api", dnsNames: [], ipAddresses: [], usages: [usage] }, window, by);

beforeAll(async () => {
  authority = await issueAuthority("test etcd CA", dates);
  otherAuthority = await issueAuthority("another CA", dates);
  client = await issue(authority);
});

const url = (n: number) => `https://10.77.1.3${n}:2379`;

function external(change: (datastore: Raw, site: Raw) => void = () => {}) {
  return (site: Raw) => {
    site.nodes = site.nodes.map(({ backend: _, disk: __, ...node }: Raw) => node);
    delete site.witness;
    site.datastore = {
      kind: "etcd-cluster",
      servers: [url(1), url(2), url(3)],
      caCertificate: authority.certificatePem,
      clientCertificate: client.certificatePem,
      clientKey: client.privateKeyPem,
    };
    site.kubernetes = {
      distribution: "upstream",
      version: "v1.34.4",
      sha256: Object.fromEntries(programs.map((name) => [name, "0".repeat(64)])),
      vip: "10.77.1.10/24",
      interface: "eth0",
    };
    change(site.datastore, site);
  };
}

function externalSite(change?: (datastore: Raw, site: Raw) => void): ExternalSite<Sealed> {
  const result = parseSite(rawSite(external(change)), {});
  if (!result.ok) throw new Error(result.errors.join("\n"));
  if (result.site.witness !== undefined) throw new Error("the site has a witness");
  return result.site;
}

const servers = (...urls: unknown[]) => external((datastore) => Object.assign(datastore, { servers: urls }));

describe("a site on an etcd cluster that somebody else runs", () => {
  it("has its defaults filled in, its key sealed, and neither witness nor disks", () => {
    const { nodes, datastore, witness } = externalSite();
    expect(nodes.map((node) => Object.keys(node))).toEqual(Array(2).fill(["name", "frontend", "hostKey", "port"]));
    expect(witness).toBeUndefined();
    expect(datastore).toMatchObject({ kind: "etcd-cluster", servers: [url(1), url(2), url(3)], longestGapMs: 15_000 });
    expect(String(datastore.clientKey)).toBe("[secret]");
    expect(datastore.clientKey.reveal()).toBe(client.privateKeyPem);
  });

  it.each([5, 7])("may have %d servers", (size) => {
    const urls = Array.from({ length: size }, (_, n) => url(n + 1));
    expect(errorsOf(servers(...urls))).toEqual([]);
  });

  it("writes each server in one way, also where its author has another", () => {
    const { datastore } = externalSite((raw) =>
      Object.assign(raw, { servers: ["HTTPS://Etcd-1.Example:02379/", "https://etcd-2.example:12379", url(3)] }),
    );
    expect(datastore.servers).toEqual(["https://etcd-1.example:2379", "https://etcd-2.example:12379", url(3)]);
  });

  it("may run k3s, and takes an encrypted key", () => {
    const spoil = external((datastore, site) => {
      datastore.clientKey = { secure: "ciphertext" };
      const { version: _, sha256: __, ...rest } = site.kubernetes;
      const sha256 = { k3s: "0".repeat(64), images: "0".repeat(64) };
      site.kubernetes = { ...rest, distribution: "k3s", version: "v1.34.4+k3s1", sha256 };
    });
    expect(errorsOf(spoil)).toEqual([]);
  });

  it("keeps the managers' leases over the gap that its author assumes", () => {
    const times = (longestGap?: string) => {
      const site = externalSite((datastore) => longestGap && Object.assign(datastore, { longestGap }));
      return kubernetesTimes(site.kubernetes as ClusterConfig, profileOf(site).gaps);
    };
    expect(times()).toEqual({
      longestGapMs: 15_000,
      leaderElection: { renewMs: 20_000, leaseMs: 22_000, retryMs: 2000 },
      notReadyAfter: 17,
      unansweredAfter: 8,
      nodeMonitorGraceMs: 23_000,
      podEvictionMs: 23_000,
      podsReplacedMs: 22_000 + 2000 + 23_000 + 5000 + 23_000,
    });
    expect(times("30s").leaderElection).toEqual({ renewMs: 35_000, leaseMs: 37_000, retryMs: 2000 });
  });

  it("marks no node as out of service, because nobody wins a claim there", () => {
    const spoil = external((_, { kubernetes }) => Object.assign(kubernetes, { outOfServiceTaint: true }));
    expect(errorsOf(spoil)).toEqual([
      "tandem:site: kubernetes.outOfServiceTaint: is true; on an etcd cluster elsewhere no node claims the data of the other, so nothing proves one lost: leave it out, or use datastore.kind etcd-witness",
    ]);
  });

  it("takes nothing of another datastore from its environment", () => {
    const environments = { shops: "datastore:\n  kind: etcd-witness\n  quotaBackend: 64MiB\npki:\n  rotation: 3\n" };
    const raw = rawSite(external((_, site) => Object.assign(site, { environment: "shops" })));
    expect(parseSite(raw, environments)).toMatchObject({ ok: true, site: { pki: { rotation: 3 } } });
  });

  it("takes its key from no plain file", () => {
    const environments = { shops: "datastore:\n  kind: etcd-cluster\n  clientKey: a\n" };
    const raw = rawSite(external((_, site) => Object.assign(site, { environment: "shops" })));
    expect(parseSite(raw, environments)).toMatchObject({
      errors: [expect.stringMatching(/^stacks\/environments\/shops\.yaml: datastore\.clientKey: a secret does not/)],
    });
  });
});

describe("the size of a cluster follows from quorum and tolerance", () => {
  it.each([
    [1, "has 1 server; 1 member needs 1 for a quorum and so survives no loss: use 3, 5 or 7"],
    [2, "has 2 servers; 2 members need 2 for a quorum and so survive no loss, no more than 1 does: use 3, 5 or 7"],
    [4, "has 4 servers; 4 members need 3 for a quorum and so survive one loss, no more than 3 do: use 3, 5 or 7"],
    [6, "has 6 servers; 6 members need 4 for a quorum and so survive 2 losses, no more than 5 do: use 3, 5 or 7"],
    [8, "has 8 servers; 8 members need 5 for a quorum and so survive 3 losses, no more than 7 do: use 3, 5 or 7"],
    [
      9,
      "has 9 servers; 9 members need 5 for a quorum and so survive 4 losses, but every write waits for 5 disks: use 3, 5 or 7",
    ],
    [0, "has no servers; use 3, 5 or 7"],
  ])("%d members", (size, message) => {
    expect(quorumProblem(size)).toBe(message);
  });
});

const cases: [string, (site: Raw) => void, string][] = [
  [
    "an even number of servers",
    servers(url(1), url(2), url(3), url(4)),
    "datastore.servers: has 4 servers; 4 members need 3 for a quorum and so survive one loss, no more than 3 do: use 3, 5 or 7",
  ],
  [
    "no servers, as of members on the masters",
    external((datastore) => delete datastore.servers),
    "datastore.servers: is missing; must be a list of the client URLs of an etcd cluster on machines of its own; members stacked on the masters are not yet supported but by etcd-witness",
  ],
  [
    "a master among the servers",
    servers("https://10.77.1.11:2379", url(2), url(3)),
    "datastore.servers[0]: 10.77.1.11 is nodes[0].frontend; members stacked on the masters are not yet supported but by etcd-witness: name machines of their own",
  ],
  [
    "a server without TLS",
    servers(url(1), "http://10.77.1.32:2379", url(3)),
    'datastore.servers[1]: is "http://10.77.1.32:2379"; everybody on the way could read and write the data: use https',
  ],
  [
    "a server without a port",
    servers(url(1), "https://10.77.1.32", url(3)),
    'datastore.servers[1]: is "https://10.77.1.32"; must name its port, which is 2379 unless its operator chose another',
  ],
  [
    "the members' own port",
    servers(url(1), "https://10.77.1.32:2380", url(3)),
    `datastore.servers[1]: is "https://10.77.1.32:2380"; etcd's members talk to each other there; clients use 2379`,
  ],
  ...[
    "https://10.77.1.32:70000",
    "https://10.77.1.32:0",
    "10.77.1.32:2379",
    "https://127.0.0.1:2379",
    "https://0x0a4d0120:2379",
    "https://10.77.1.32:2379/v3",
  ].map((value): [string, (site: Raw) => void, string] => [
    `what is no server: ${value}`,
    servers(url(1), value, url(3)),
    `datastore.servers[1]: is "${value}"; must be the client URL of an etcd server, e.g. https://10.77.1.31:2379`,
  ]),
  [
    "a password in a server's URL",
    servers(url(1), "https://root:hunter2@10.77.1.32:2379", url(3)),
    "datastore.servers[1]: holds a user or a password; nodes prove themselves by certificates",
  ],
  [
    "a server given twice",
    servers(url(1), url(2), url(1)),
    "datastore.servers[2]: is https://10.77.1.31:2379, as is servers[0]; a member counts once",
  ],
  [
    "a server given twice under two spellings",
    servers("https://etcd.example:2379", url(2), "https://ETCD.example:02379/"),
    "datastore.servers[2]: is https://etcd.example:2379, as is servers[0]; a member counts once",
  ],
  [
    "two servers on one machine",
    servers(url(1), url(2), "https://10.77.1.31:12379"),
    "datastore.servers[2]: is https://10.77.1.31:12379, on the machine of servers[0], https://10.77.1.31:2379: its loss would be that of two members; give each its own",
  ],
  [
    "a server at the address of the API",
    servers(url(1), url(2), "https://10.77.1.10:2379"),
    "kubernetes.vip: is 10.77.1.10/24; that is datastore.servers[2]; take an address that no machine has",
  ],
  [
    "a witness",
    external((_, site) => Object.assign(site, { witness: { host: "10.77.1.20" } })),
    "witness: is given, and datastore.kind etcd-cluster has none; remove it",
  ],
  [
    "a disk",
    external((_, site) => Object.assign(site.nodes[0], { disk: "/dev/vg0/etcd-t" })),
    "nodes[0].disk: unknown key with datastore.kind etcd-cluster, which keeps no data on the nodes; known here: name, frontend, hostKey, port",
  ],
  [
    "a setting of another datastore",
    external((datastore) => Object.assign(datastore, { silence: "300ms" })),
    "datastore.silence: unknown key; known here: kind, servers, caCertificate, clientCertificate, clientKey, longestGap",
  ],
  [
    "nothing on top",
    external((_, site) => Object.assign(site, { kubernetes: { distribution: "none" } })),
    "kubernetes.distribution: is none, and with datastore.kind etcd-cluster nothing else is installed; use upstream or k3s",
  ],
  [
    "a renewal that the gap outlasts",
    external((_, site) => Object.assign(site.kubernetes, { leaderElection: { renewDeadline: "10s" } })),
    "kubernetes.leaderElection.renewDeadline: is 10s; a manager must keep its lease over 15s, the longest time without writes after a failure, and try twice more: use at least 19001ms",
  ],
  [
    "another certificate's key",
    external((datastore) => Object.assign(datastore, { clientKey: otherAuthority.privateKeyPem })),
    "datastore.clientKey: is not the key of clientCertificate; give the two that were made together",
  ],
  [
    "another cluster's authority",
    external((datastore) => Object.assign(datastore, { caCertificate: otherAuthority.certificatePem })),
    "datastore.clientCertificate: was issued by CN=test etcd CA, which is not in caCertificate; give the certificate for this cluster or, if its servers know their clients by another authority than their own, add that one to caCertificate",
  ],
  [
    "a chain whose second certificate issued nothing",
    external((datastore) => {
      datastore.clientCertificate += otherAuthority.certificatePem;
    }),
    "datastore.clientCertificate: its certificate 1 was issued by CN=test etcd CA, which is not the one after it; put each before its issuer's",
  ],
  [
    "a key in the place of a certificate",
    external((datastore) => {
      datastore.clientCertificate += client.privateKeyPem;
    }),
    "datastore.clientCertificate: holds a private key, which is a secret; give certificates alone",
  ],
];

describe("a refusal names the path, what it was, what is allowed", () => {
  it.each(cases)("%s", (_, spoil, message) => {
    expect(errorsOf(spoil)).toEqual([`tandem:site: ${message}`]);
  });
});

describe("the client's certificate", () => {
  const found = async (issued: Issued, nowMs = Date.now()) => {
    const site = externalSite();
    const datastore = {
      ...site.datastore,
      clientCertificate: issued.certificatePem,
      clientKey: Sealed.of(issued.privateKeyPem),
    };
    return checkCredential({ ...site, datastore }, nowMs).map(({ message }) => message);
  };

  it("is meant for clients, and no authority's", async () => {
    expect(await found(client)).toEqual([]);
    expect(await found(await issue(authority, "server"))).toEqual([
      "is of CN=api and not meant for clients (TLS Web Client Authentication)",
    ]);
    expect(await found(authority)).toContain(
      "begins with that of CN=test etcd CA, an authority; begin with the client's own",
    );
  });

  it("may come with the authorities between it and that of the cluster", () => {
    const spoil = external((datastore) => {
      datastore.clientCertificate += authority.certificatePem;
    });
    expect(errorsOf(spoil)).toEqual([]);
  });

  it("is in force, and its author is told before it is not any more", async () => {
    const ended = await found(client, Date.now() + 401 * dayMs);
    expect(ended.join()).toMatch(/that of CN=api ended at .* GMT; give one in force/);
    const warned = (days: number) =>
      checkClientEnd(externalSite(), Date.now() + days * dayMs).map(({ message }) => message);
    expect(warned(0)).toEqual([]);
    expect(warned(395)).toEqual([
      "ends in 4 days, and with it the API: Tandem renews it no more than it made it; have a new one issued and give it with its key",
    ]);
    expect(warned(401)).toEqual([]);
    expect(warningsOf(external())).toEqual([]);
  });
});
