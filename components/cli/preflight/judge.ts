import { tailOf } from "../volume/blank.ts";
import type {
  ApiAddressExpectations,
  ApiAddressFacts,
  DiskFacts,
  Expectations,
  Facts,
  Kept,
  NodeExpectations,
  VolumeExpectations,
} from "./expectations.ts";
import { TOKEN_FILE } from "./k3s-token.ts";

const supportedSystems = ["debian 12", "debian 13", "ubuntu 22.04", "ubuntu 24.04"];
const supportedArchs = ["x64", "arm64"];
const leastKernel = [5, 15] as const;
const clockLimitMs = 30_000;

/** Every reason why the machine cannot be used, each a sentence with what to do. */
export function judge(facts: Facts, wanted: Expectations): string[] {
  return [
    ...judgeSystem(facts),
    ...judgeSpace(facts, wanted),
    ...judgePorts(facts, wanted),
    ...judgeK3sToken(facts, wanted),
    ...(wanted.node === undefined ? [] : judgeNode(facts, wanted, wanted.node)),
  ];
}

function judgeSystem({ os, arch, kernel }: Facts): string[] {
  const problems: string[] = [];
  if (!supportedSystems.includes(`${os.id} ${os.version}`)) {
    problems.push(
      `It runs ${os.id} ${os.version}, and Tandem supports Debian 12, Debian 13, Ubuntu 22.04 and Ubuntu 24.04; install one of them.`,
    );
  }
  if (!supportedArchs.includes(arch)) {
    problems.push(`Its processor architecture is ${arch}, and Tandem supports amd64 and arm64; use another machine.`);
  }
  const [major = 0, minor = 0] = kernel.split(".").map(Number);
  if (major < leastKernel[0] || (major === leastKernel[0] && minor < leastKernel[1])) {
    problems.push(
      `Its kernel is ${kernel}, and Tandem needs ${leastKernel.join(".")} or later; upgrade the kernel and reboot.`,
    );
  }
  return problems;
}

function judgeSpace({ freeBytes, usedBytes }: Facts, wanted: Expectations): string[] {
  const growth = Object.entries(wanted.growsTo).map(([folder, bytes]) => Math.max(0, bytes - (usedBytes[folder] ?? 0)));
  const needed = growth.reduce((sum, bytes) => sum + bytes, wanted.freeBytes);
  if (freeBytes >= needed) return [];
  return [
    `/var/lib has ${mebibytes(freeBytes)} free, and ${mebibytes(needed)} are needed beside what the site has there already; free some space.`,
  ];
}

function judgePorts({ listening }: Facts, { ports }: Expectations): string[] {
  return listening
    .filter(({ port, ours }) => ports.includes(port) && !ours)
    .map(({ port, program }) => `TCP port ${port} is in use by ${program}; stop it, or move it to another port.`);
}

/** k3s ends at its start over another token: its authorities lie in the datastore, encrypted under the one that they were made with. */
function judgeK3sToken({ k3sTokens }: Facts, { k3sTokenFingerprint: wanted }: Expectations): string[] {
  if (wanted === undefined || k3sTokens.length === 0 || k3sTokens.includes(wanted)) return [];
  return [
    "It belongs to a cluster of k3s with another token than the stack's, with which k3s would not start. Give the stack the cluster's: " +
      `ssh root@<node> cat ${TOKEN_FILE} | pulumi config set --path tandem:site.kubernetes.token --secret. If the cluster is to have ` +
      "another one, rotate it first, with `k3s token rotate` (docs/runbook.md).",
  ];
}

function judgeNode(facts: Facts, wanted: Expectations, node: NodeExpectations): string[] {
  const problems: string[] = [];
  if (facts.hostname !== wanted.machine) {
    problems.push(
      `Its host name is ${facts.hostname}, and ${node.volume === undefined ? "its leases and its place in the cluster go" : "DRBD finds its own part of the configuration"} by that name: run ` +
        `\`hostnamectl set-hostname ${wanted.machine}\`, or correct the node's name in the configuration.`,
    );
  }
  for (const [key, address] of Object.entries(node.addresses)) {
    if (facts.addresses.includes(address)) continue;
    problems.push(
      `The ${key} address ${address} is on none of its interfaces, which have ${facts.addresses.join(", ") || "none"}; ` +
        "configure it, or correct the configuration.",
    );
  }
  problems.push(...(node.volume === undefined ? judgeNoVolume(facts) : judgeVolume(facts, node.volume)));
  if (facts.clock !== null) problems.push(...judgeClock(facts.clock));
  if (facts.apiAddress !== null && node.apiAddress !== undefined)
    problems.push(...judgeApiAddress(facts.apiAddress, node.apiAddress));
  return problems;
}

/** Another datastore would be an empty one. */
function judgeNoVolume({ madeWith }: Facts): string[] {
  if (madeWith === null) return [];
  return [
    "It has the data of this site itself, and with datastore.kind etcd-cluster the site would go on without them: say etcd-witness again, " +
      "or destroy the site with destroy.purgeData first.",
  ];
}

function judgeVolume(facts: Facts, volume: VolumeExpectations): string[] {
  const problems: string[] = [];
  if (facts.usesOthersEtcd) {
    problems.push(
      "Its Kubernetes has its data in an etcd cluster elsewhere, and with datastore.kind etcd-witness it would go on without them: " +
        "say etcd-cluster again, or destroy the site first.",
    );
  }
  if (facts.madeWith !== null) problems.push(...judgeKept(facts.madeWith, volume.kept));
  problems.push(...judgeDrbd(facts, volume), ...(facts.disk === null ? [] : judgeDisk(facts.disk, volume)));
  if (facts.foreignEtcd) {
    problems.push(
      "/var/lib/etcd holds data of an etcd that Tandem did not make; move it away (mv /var/lib/etcd /var/lib/etcd.before-tandem) " +
        "and remove the etcd that used it.",
    );
  }
  return problems;
}

/** A node that has the address already may run the site; one that has another's would answer beside it. */
function judgeApiAddress(
  { frontendInterface, holder }: ApiAddressFacts,
  { vip, interface: name, frontend }: ApiAddressExpectations,
): string[] {
  const problems: string[] = [];
  if (frontendInterface !== null && frontendInterface !== name) {
    problems.push(
      `Its frontend address ${frontend} is on the interface ${frontendInterface}, and kubernetes.interface is ${name}; correct one of them.`,
    );
  }
  if (holder !== null && holder !== "this node" && holder !== "the sibling") {
    problems.push(
      `The address of the API, ${vip}, is answered for by ${holder}, which is none of the two nodes; take a free one as kubernetes.vip.`,
    );
  }
  return problems;
}

/** What an older release did not write down is not judged. */
function judgeKept(made: Partial<Kept>, wanted: Kept): string[] {
  const told: Readonly<Record<keyof Kept, string>> = {
    index: "place among the nodes, counted from 0,",
    sibling: "sibling",
    disk: "disk",
    peerUrl: "etcd peer URL, which has its backend address,",
    minor: "datastore.drbd.minor",
    port: "datastore.drbd.port",
  };
  return (Object.keys(told) as (keyof Kept)[])
    .filter((key) => made[key] !== undefined && made[key] !== wanted[key])
    .map(
      (key) =>
        `Its ${told[key]} was ${made[key]} when the site was made, and ${wanted[key]} is asked for; a site that has data keeps it: ` +
        "give the old value, or destroy the site with destroy.purgeData first.",
    );
}

/** Of a module that a package is to bring, drbd-attach.sh judges once it is installed. */
function judgeDrbd({ drbd, kernel }: Facts, { drbd: wanted, drbdByPackage }: VolumeExpectations): string[] {
  if (drbdByPackage) return [];
  if (drbd === null) {
    return [
      `The kernel ${kernel} has no module drbd; install the package that brings it (Debian: the kernel package itself, not its cloud ` +
        "variant; Ubuntu: linux-modules-extra), or name one in datastore.drbd.package.",
    ];
  }
  const line = drbd.startsWith("8.4.") ? "8.4" : drbd.startsWith("9.") ? "9" : undefined;
  if (line === undefined) {
    return [`Its kernel module drbd is ${drbd}, and Tandem knows 8.4 and 9; install one of these.`];
  }
  if (wanted === "auto" || wanted === line) return [];
  return [
    `Its kernel module drbd is ${drbd}, and datastore.drbd.version asks for ${wanted}; install that module, or say auto.`,
  ];
}

function judgeDisk(disk: DiskFacts, { disk: path, diskBytes }: VolumeExpectations): string[] {
  if (disk.kind === "missing") {
    return [
      `The disk ${path} does not exist; create it (a fresh logical volume, for example), or correct the configuration.`,
    ];
  }
  if (disk.kind === "no block device") {
    return [`${path} is no block device; name a whole disk, a partition or a logical volume.`];
  }
  const problems: string[] = [];
  if (disk.fileSystemBytes !== null) problems.push(...judgeFileSystem(disk.fileSystemBytes, diskBytes));
  else if (disk.bytes < diskBytes) {
    problems.push(`The disk ${path} has ${mebibytes(disk.bytes)}, and ${mebibytes(diskBytes)} are needed; enlarge it.`);
  }
  if (disk.ours) return problems;
  if (disk.mountpoints.length > 0) {
    problems.push(`The disk ${path} is mounted at ${disk.mountpoints.join(", ")}; name a disk that nothing uses.`);
  }
  if (disk.holders.length > 0) {
    problems.push(`The disk ${path} is in use by ${disk.holders.join(", ")}; name a disk that nothing uses.`);
  }
  if (disk.signatures.length > 0) {
    problems.push(
      `The disk ${path} is not empty, it holds: ${disk.signatures.join(", ")}. Tandem overwrites nothing: name another disk, or, ` +
        `if nobody needs what is on it, clear it with \`wipefs --all ${path} && blkdiscard --zeroout ${path}\`.`,
    );
  }
  return problems;
}

/** It has what DRBD's metadata left of the disk that it was made on, whatever became of the disk since. */
function judgeFileSystem(bytes: number, diskBytes: number): string[] {
  if (bytes >= diskBytes - tailOf(diskBytes).length) return [];
  return [
    `The volume etcd-t was made with ${mebibytes(bytes)}, and datastore.quotaBackend needs ${mebibytes(diskBytes)} (2.4 times the ` +
      "quota, and 538 MiB more): it does not grow with its disk. Lower the quota to what fits; a larger one takes a new site on larger disks.",
  ];
}

function judgeClock({ hereMs, witnessMs }: { hereMs: number; witnessMs: number }): string[] {
  const offBySeconds = Math.round(Math.abs(hereMs - witnessMs) / 1000);
  if (offBySeconds * 1000 <= clockLimitMs) return [];
  const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
  return [
    `Its clock says ${time(hereMs)} and the witness's ${time(witnessMs)}, ${offBySeconds} s apart, and at most ` +
      `${clockLimitMs / 1000} s are allowed, because certificates have dates; set both by NTP.`,
  ];
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
