import { describe, expect, it } from "vitest";
import type {
  DiskFacts,
  Expectations,
  Facts,
  Kept,
  VolumeExpectations,
} from "../../../components/cli/preflight/expectations.ts";
import { judge } from "../../../components/cli/preflight/judge.ts";
import { k3sTokenFingerprint } from "../../../components/cli/preflight/k3s-token.ts";

const mebibyte = 2 ** 20;

const disk: DiskFacts = {
  kind: "block device",
  bytes: 2048 * mebibyte,
  mountpoints: [],
  holders: [],
  signatures: [],
  ours: false,
  fileSystemBytes: null,
};

const kept: Kept = {
  index: 0,
  sibling: "n2",
  disk: "/dev/vg0/etcd-t",
  peerUrl: "https://10.77.2.11:2380",
  minor: 10,
  port: 7788,
};

const good: Facts = {
  hostname: "n1",
  os: { id: "debian", version: "13" },
  kernel: "6.12.48+deb13-amd64",
  arch: "x64",
  drbd: "8.4.11",
  addresses: ["10.77.1.11", "10.77.2.11"],
  freeBytes: 4000 * mebibyte,
  usedBytes: {},
  disk,
  madeWith: null,
  usesOthersEtcd: false,
  listening: [{ port: 22, program: "sshd", ours: false }],
  foreignEtcd: false,
  clock: null,
  k3sTokens: [],
  apiAddress: null,
};

const wanted: Expectations = {
  site: "store-0042",
  machine: "n1",
  ports: [2379, 2380, 7788],
  freeBytes: 400 * mebibyte,
  growsTo: { "/var/lib/etcd": 600 * mebibyte },
  node: {
    addresses: { frontend: "10.77.1.11", backend: "10.77.2.11" },
    volume: {
      disk: "/dev/vg0/etcd-t",
      kept,
      diskBytes: 512 * mebibyte,
      drbd: "auto",
      drbdByPackage: false,
      witnessUrl: "https://10.77.1.20:8443",
    },
  },
};

const withVolume = (change: Partial<VolumeExpectations>): Expectations => {
  const { node } = wanted;
  if (node?.volume === undefined) throw new Error("a node has a volume");
  return { ...wanted, node: { ...node, volume: { ...node.volume, ...change } } };
};

const found = (facts: Partial<Facts>, expectations: Expectations = wanted) =>
  judge({ ...good, ...facts }, expectations);
const foundOn = (facts: Partial<DiskFacts>) => found({ disk: { ...disk, ...facts } });

describe("preflight", () => {
  it("has nothing against a machine that is as wanted", () => {
    expect(found({})).toEqual([]);
  });

  it("has nothing against a node that runs the site already", () => {
    const running = {
      madeWith: kept,
      disk: { ...disk, ours: true, signatures: ["drbd"], holders: ["drbd10"] },
      listening: [
        { port: 2379, program: "etcd", ours: true },
        { port: 7788, program: "the kernel", ours: true },
      ],
    };
    expect(found(running)).toEqual([]);
  });

  it("names every problem at once", () => {
    expect(found({ hostname: "debian", drbd: null, disk: { ...disk, kind: "missing" } })).toHaveLength(3);
  });

  it("asks a node without data for neither a disk nor DRBD, and for no more addresses than it has", () => {
    const node = { addresses: { frontend: "10.77.1.11" } };
    const facts = { drbd: null, disk: null, foreignEtcd: true, addresses: ["10.77.1.11"] };
    expect(found(facts, { ...wanted, node })).toEqual([]);
    expect(found({ ...facts, hostname: "debian" }, { ...wanted, node })).toEqual([
      "Its host name is debian, and its leases and its place in the cluster go by that name: run `hostnamectl set-hostname n1`, " +
        "or correct the node's name in the configuration.",
    ]);
  });

  it("lets no site leave its data behind by changing the kind of its datastore", () => {
    const node = { addresses: { frontend: "10.77.1.11" } };
    expect(found({ madeWith: kept }, { ...wanted, node })).toEqual([
      "It has the data of this site itself, and with datastore.kind etcd-cluster the site would go on without them: say etcd-witness " +
        "again, or destroy the site with destroy.purgeData first.",
    ]);
    expect(found({ usesOthersEtcd: true }, { ...wanted, node })).toEqual([]);
    expect(found({ usesOthersEtcd: true })).toEqual([
      "Its Kubernetes has its data in an etcd cluster elsewhere, and with datastore.kind etcd-witness it would go on without them: " +
        "say etcd-cluster again, or destroy the site first.",
    ]);
  });

  it("asks a witness for nothing that only a node needs", () => {
    const { node: _, ...witness } = wanted;
    expect(
      found({ hostname: "w", drbd: null, addresses: [], disk: null }, { ...witness, machine: "the witness" }),
    ).toEqual([]);
  });

  it.each<[string, Partial<Facts>, string]>([
    [
      "another system",
      { os: { id: "ubuntu", version: "20.04" } },
      "It runs ubuntu 20.04, and Tandem supports Debian 12, Debian 13, Ubuntu 22.04 and Ubuntu 24.04; install one of them.",
    ],
    [
      "another processor",
      { arch: "riscv64" },
      "Its processor architecture is riscv64, and Tandem supports amd64 and arm64; use another machine.",
    ],
    [
      "an old kernel",
      { kernel: "5.10.0-28-amd64" },
      "Its kernel is 5.10.0-28-amd64, and Tandem needs 5.15 or later; upgrade the kernel and reboot.",
    ],
    [
      "a full disk",
      { freeBytes: 10 * mebibyte },
      "/var/lib has 10 MiB free, and 1000 MiB are needed beside what the site has there already; free some space.",
    ],
    [
      "a port in use",
      { listening: [{ port: 2379, program: "k3s-server", ours: false }] },
      "TCP port 2379 is in use by k3s-server; stop it, or move it to another port.",
    ],
    [
      "another host name",
      { hostname: "localhost" },
      "Its host name is localhost, and DRBD finds its own part of the configuration by that name: run `hostnamectl " +
        "set-hostname n1`, or correct the node's name in the configuration.",
    ],
    [
      "an address that is missing",
      { addresses: ["10.77.1.11"] },
      "The backend address 10.77.2.11 is on none of its interfaces, which have 10.77.1.11; configure it, or correct the configuration.",
    ],
    [
      "no DRBD",
      { drbd: null },
      "The kernel 6.12.48+deb13-amd64 has no module drbd; install the package that brings it (Debian: the kernel package itself, " +
        "not its cloud variant; Ubuntu: linux-modules-extra), or name one in datastore.drbd.package.",
    ],
    [
      "a DRBD that nobody knows",
      { drbd: "8.3.16" },
      "Its kernel module drbd is 8.3.16, and Tandem knows 8.4 and 9; install one of these.",
    ],
    [
      "an etcd of somebody else",
      { foreignEtcd: true },
      "/var/lib/etcd holds data of an etcd that Tandem did not make; move it away (mv /var/lib/etcd /var/lib/etcd.before-tandem) " +
        "and remove the etcd that used it.",
    ],
    [
      "a wrong clock",
      { clock: { hereMs: Date.UTC(2026, 0, 1), witnessMs: Date.UTC(2026, 0, 1, 0, 0, 31) } },
      "Its clock says 2026-01-01T00:00:00Z and the witness's 2026-01-01T00:00:31Z, 31 s apart, and at most 30 s are allowed, " +
        "because certificates have dates; set both by NTP.",
    ],
  ])("tells of %s", (_what, facts, message) => {
    expect(found(facts)).toEqual([message]);
  });

  it.each([
    ["nothing", 0, 1000],
    ["a part", 150, 850],
    ["more than was reckoned with", 900, 400],
  ])("counts %s of the data as there already", (_what, used, needed) => {
    const usedBytes = { "/var/lib/etcd": used * mebibyte };
    expect(found({ usedBytes, freeBytes: needed * mebibyte })).toEqual([]);
    expect(found({ usedBytes, freeBytes: needed * mebibyte - 1 })).toEqual([
      expect.stringContaining(`and ${needed} MiB are needed beside what the site has there already`),
    ]);
  });

  it("lets a clock be off by as much as is allowed", () => {
    expect(found({ clock: { hereMs: 0, witnessMs: 30_000 } })).toEqual([]);
  });

  it("compares the module with a version that the configuration names", () => {
    expect(found({}, withVolume({ drbd: "9" }))).toEqual([
      "Its kernel module drbd is 8.4.11, and datastore.drbd.version asks for 9; install that module, or say auto.",
    ]);
  });

  it.each<[keyof Kept, Kept[keyof Kept], string]>([
    ["index", 1, "Its place among the nodes, counted from 0, was 1 when the site was made, and 0 is asked for"],
    ["sibling", "n3", "Its sibling was n3 when the site was made, and n2 is asked for"],
    ["disk", "/dev/sdb", "Its disk was /dev/sdb when the site was made, and /dev/vg0/etcd-t is asked for"],
    [
      "peerUrl",
      "https://10.77.2.9:2380",
      "Its etcd peer URL, which has its backend address, was https://10.77.2.9:2380 when the site was made, and " +
        "https://10.77.2.11:2380 is asked for",
    ],
    ["minor", 11, "Its datastore.drbd.minor was 11 when the site was made, and 10 is asked for"],
    ["port", 7789, "Its datastore.drbd.port was 7789 when the site was made, and 7788 is asked for"],
  ])("keeps the %s of a site that is there", (key, before, message) => {
    const running = { disk: { ...disk, ours: true }, madeWith: { ...kept, [key]: before } };
    expect(found(running)).toEqual([
      `${message}; a site that has data keeps it: give the old value, or destroy the site with destroy.purgeData first.`,
    ]);
  });

  it("asks of a volume that is there whether the quota fits it, and not its disk", () => {
    const made = (fileSystemBytes: number, bytes = 4096 * mebibyte) => {
      const grown = { ...disk, ours: true, bytes, fileSystemBytes };
      return found({ disk: grown, madeWith: kept });
    };
    // DRBD's metadata are on the disk as well.
    expect(made(511 * mebibyte, 512 * mebibyte)).toEqual([]);
    expect(made(510 * mebibyte)).toEqual([
      "The volume etcd-t was made with 510 MiB, and datastore.quotaBackend needs 512 MiB (2.4 times the quota, and 538 MiB " +
        "more): it does not grow with its disk. Lower the quota to what fits; a larger one takes a new site on larger disks.",
    ]);
  });

  it("does not judge what an older release did not write down", () => {
    const { port: _, ...older } = kept;
    expect(found({ disk: { ...disk, ours: true }, madeWith: older })).toEqual([]);
  });

  it.each([null, "8.4.11", "8.3.16"])("leaves the module to a package that is to bring it, and finds %s", (drbd) => {
    expect(found({ drbd }, withVolume({ drbd: "9", drbdByPackage: true }))).toEqual([]);
  });

  it.each<[string, Partial<DiskFacts>, string]>([
    [
      "that does not exist",
      { kind: "missing" },
      "The disk /dev/vg0/etcd-t does not exist; create it (a fresh logical volume, for example), or correct the configuration.",
    ],
    [
      "that is a file",
      { kind: "no block device" },
      "/dev/vg0/etcd-t is no block device; name a whole disk, a partition or a logical volume.",
    ],
    [
      "that is too small",
      { bytes: 100 * mebibyte },
      "The disk /dev/vg0/etcd-t has 100 MiB, and 512 MiB are needed; enlarge it.",
    ],
    [
      "that is mounted",
      { mountpoints: ["/srv"] },
      "The disk /dev/vg0/etcd-t is mounted at /srv; name a disk that nothing uses.",
    ],
    [
      "that something uses",
      { holders: ["lvm vg1-root"] },
      "The disk /dev/vg0/etcd-t is in use by lvm vg1-root; name a disk that nothing uses.",
    ],
    [
      "with data on it",
      { signatures: ['ext4 "photos"'] },
      'The disk /dev/vg0/etcd-t is not empty, it holds: ext4 "photos". Tandem overwrites nothing: name another disk, or, if nobody ' +
        "needs what is on it, clear it with `wipefs --all /dev/vg0/etcd-t && blkdiscard --zeroout /dev/vg0/etcd-t`.",
    ],
    [
      "with a volume of another site on it",
      { signatures: ["drbd"], holders: ["drbd10"] },
      "The disk /dev/vg0/etcd-t is in use by drbd10; name a disk that nothing uses.",
    ],
  ])("tells of a disk %s", (_what, facts, message) => {
    expect(foundOn(facts)).toContain(message);
  });

  describe("of a node with k3s", () => {
    const fingerprint = k3sTokenFingerprint("of-the-stack");
    const foundWith = (k3sTokens: string[]) => found({ k3sTokens }, { ...wanted, k3sTokenFingerprint: fingerprint });

    it.each([
      ["no cluster", []],
      ["a cluster with the stack's token", [fingerprint]],
      ["a cluster that takes an older one as well", [k3sTokenFingerprint("older"), fingerprint]],
    ])("has nothing against %s", (_what, tokens) => {
      expect(foundWith(tokens)).toEqual([]);
    });

    it("refuses a cluster with another token", () => {
      expect(foundWith([k3sTokenFingerprint("of-the-cluster")])).toEqual([
        "It belongs to a cluster of k3s with another token than the stack's, with which k3s would not start. Give the stack the cluster's: " +
          "ssh root@<node> cat /var/lib/rancher/k3s/server/token | pulumi config set --path tandem:site.kubernetes.token --secret. If the " +
          "cluster is to have another one, rotate it first, with `k3s token rotate` (docs/runbook.md).",
      ]);
    });
  });

  describe("of a site with Kubernetes", () => {
    const apiAddress = { vip: "10.77.1.10", interface: "eth0", frontend: "10.77.1.11", sibling: "10.77.1.12" };
    const node = { ...wanted.node, apiAddress } as Expectations["node"];
    const foundWith = (facts: Facts["apiAddress"]) => found({ apiAddress: facts }, { ...wanted, node } as Expectations);

    it.each([null, "this node", "the sibling"])("has nothing against an address held by %s", (holder) => {
      expect(foundWith({ frontendInterface: "eth0", holder })).toEqual([]);
    });

    it("refuses an address that another machine answers for", () => {
      expect(foundWith({ frontendInterface: "eth0", holder: "52:54:00:00:00:01" })).toEqual([
        "The address of the API, 10.77.1.10, is answered for by 52:54:00:00:00:01, which is none of the two nodes; take a free one as kubernetes.vip.",
      ]);
    });

    it("refuses another interface than that of the frontend, by name", () => {
      expect(foundWith({ frontendInterface: "enp3s0", holder: null })).toEqual([
        "Its frontend address 10.77.1.11 is on the interface enp3s0, and kubernetes.interface is eth0; correct one of them.",
      ]);
    });
  });
});
