import { access, readdir, readFile, realpath, stat, statfs } from "node:fs/promises";
import { request } from "node:https";
import { hostname, networkInterfaces, release } from "node:os";
import { basename } from "node:path";
import { pkiFolder } from "../../kubernetes/paths.ts";
import { thisMachine } from "../apply/machine.ts";
import { loadRecords, RECORDS } from "../apply/record.ts";
import { loadedDrbd } from "../loaded-drbd.ts";
import { type Argv, run } from "../process.ts";
import { Failure } from "../verb.ts";
import type { VolumeOrder } from "../volume/order.ts";
import type { VolumeRecord } from "../volume/record.ts";
import { gatherApiAddress } from "./api-address.ts";
import type { Clock, DiskFacts, Expectations, Facts, Listener } from "./expectations.ts";
import { gatherK3sTokens } from "./k3s-token.ts";

const TOOL_LIMIT_MS = 15_000;
const WITNESS_LIMIT_MS = 3_000;

/** Reads the machine; changes nothing. */
export async function gather(wanted: Expectations): Promise<Facts> {
  const { node } = wanted;
  const volume = node?.volume;
  const made = node === undefined ? null : await orderOfVolume(wanted.site);
  return {
    hostname: hostname(),
    os: await readSystem(),
    kernel: release(),
    arch: process.arch,
    drbd: await drbdVersion(),
    addresses: Object.values(networkInterfaces()).flatMap((entries = []) =>
      entries.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address),
    ),
    freeBytes: await freeBytes("/var/lib"),
    usedBytes: await usedBytes(Object.keys(wanted.growsTo)),
    disk: volume === undefined ? null : await readDisk(volume.disk, made !== null),
    madeWith: made,
    usesOthersEtcd: await exists(`${pkiFolder}/etcd-ca.crt`),
    listening: await listeners(wanted.site),
    foreignEtcd:
      (await hasEntries("/var/lib/etcd")) &&
      !(await exists("/var/lib/tandem/etcd-member")) &&
      !(await exists("/var/lib/etcd/tandem.json")),
    clock: volume === undefined ? null : await readClock(volume.witnessUrl),
    k3sTokens: wanted.k3sTokenFingerprint === undefined ? [] : await gatherK3sTokens(),
    apiAddress: node?.apiAddress === undefined ? null : await gatherApiAddress(node.apiAddress),
  };
}

async function readSystem(): Promise<Facts["os"]> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "unknown";
  return { id: value("ID"), version: value("VERSION_ID") };
}

/** Of the loaded module, else of the one that modprobe would load. */
async function drbdVersion(): Promise<string | null> {
  const loaded = await loadedDrbd(thisMachine);
  if (loaded !== "") return loaded;
  const { code, stdout } = await tool(["modinfo", "--field", "version", "drbd"]);
  return code === 0 && stdout.trim() !== "" ? stdout.trim() : null;
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** As the disk has it: a file with holes takes no space for them. */
export async function usedBytes(folders: readonly string[]): Promise<Record<string, number>> {
  const used: Record<string, number> = {};
  for (const folder of folders) {
    // It fails over a file that goes while it looks, and over a folder that is not there; it tells what it has seen all the same.
    const { stdout } = await tool(["du", "--summarize", "--one-file-system", "--block-size=1", folder]);
    used[folder] = Number.parseInt(stdout, 10) || 0;
  }
  return used;
}

async function readDisk(path: string, ours: boolean): Promise<DiskFacts> {
  const nothing = { bytes: 0, mountpoints: [], holders: [], signatures: [], ours: false, fileSystemBytes: null };
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) return { kind: "missing", ...nothing };
  if (!there.isBlockDevice()) return { kind: "no block device", ...nothing };
  const { code, stdout, stderr } = await tool([
    "lsblk",
    "--json",
    "--bytes",
    "--output",
    "NAME,TYPE,SIZE,MOUNTPOINTS",
    path,
  ]);
  if (code !== 0) throw new Failure(`lsblk cannot read ${path}: ${stderr.trim()}`);
  const [device, ...others] = (JSON.parse(stdout) as { blockdevices: BlockDevice[] }).blockdevices;
  if (device === undefined || others.length > 0) throw new Failure(`lsblk does not say what ${path} is: ${stdout}`);
  const below = descendants(device);
  return {
    kind: "block device",
    bytes: device.size,
    mountpoints: [device, ...below].flatMap(({ mountpoints }) => mountpoints.filter((point) => point !== null)),
    holders: [...new Set([...below.map(({ name, type }) => `${type} ${name}`), ...(await holdersOf(path))])],
    signatures: await signaturesOf(path),
    ours,
    fileSystemBytes: ours ? await fileSystemBytes(path) : null,
  };
}

interface BlockDevice {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly mountpoints: readonly (string | null)[];
  readonly children?: readonly BlockDevice[];
}

function descendants({ children = [] }: BlockDevice): BlockDevice[] {
  return children.flatMap((child) => [child, ...descendants(child)]);
}

async function holdersOf(path: string): Promise<string[]> {
  return readdir(`/sys/class/block/${basename(await realpath(path))}/holders`).catch(() => []);
}

async function signaturesOf(path: string): Promise<string[]> {
  const { code, stdout, stderr } = await tool(["wipefs", "--no-act", "--json", path]);
  if (code !== 0) throw new Failure(`wipefs cannot read ${path}: ${stderr.trim()}`);
  if (stdout.trim() === "") return [];
  const { signatures } = JSON.parse(stdout) as { signatures: { type: string; label: string | null }[] };
  return signatures.map(({ type, label }) => (label ? `${type} "${label}"` : type));
}

/** `tandem volume create` notes what it made, and for whom. */
async function orderOfVolume(site: string): Promise<VolumeOrder | null> {
  const note = await readFile("/var/lib/tandem/volume.json", "utf8").catch(() => undefined);
  if (note === undefined) return null;
  const { order } = JSON.parse(note) as VolumeRecord;
  return order.site === site ? order : null;
}

/** By its superblock, which a copy on either node has. */
async function fileSystemBytes(disk: string): Promise<number | null> {
  const { stdout } = await tool(["dumpe2fs", "-h", disk]);
  const [count = 0, size = 0] = ["count", "size"]
    .map((what) => new RegExp(`^Block ${what}: +(\\d+)$`, "m").exec(stdout)?.[1])
    .map(Number);
  return count * size || null;
}

async function listeners(site: string): Promise<Listener[]> {
  const { code, stdout, stderr } = await tool([
    "ss",
    "--no-header",
    "--listening",
    "--tcp",
    "--numeric",
    "--processes",
  ]);
  if (code !== 0) throw new Failure(`ss cannot list the listening sockets: ${stderr.trim()}`);
  const volume = await exists("/var/lib/tandem/volume.json");
  const owned = await ownedUnits();
  const found: Listener[] = [];
  for (const line of stdout.split("\n").filter((each) => each !== "")) {
    const port = Number(line.trim().split(/\s+/)[3]?.split(":").at(-1));
    const [, program, pid] = /users:\(\("([^"]+)",pid=(\d+)/.exec(line) ?? [];
    if (program === undefined || pid === undefined) found.push({ port, program: "the kernel", ours: volume });
    else {
      const cgroup = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
      found.push({ port, program, ours: isOurs(cgroup, site, owned) });
    }
  }
  return found;
}

/**
 * Whether a process belongs to a unit that this site may share its ports with: one that Tandem has on this machine, or nginx.
 * @param cgroup as /proc has it
 * @param owned by any component's record
 */
export function isOurs(cgroup: string, site: string, owned: ReadonlySet<string>): boolean {
  const unit = /\/([^/\n]+\.service)/.exec(cgroup)?.[1] ?? "";
  // Two balancers at one port would share what comes, and neither would be told.
  if (unit.startsWith("tandem-balancer-")) return unit === `tandem-balancer-${site}.service`;
  return unit === "nginx.service" || owned.has(unit);
}

/** Before the first component comes there are no records. */
async function ownedUnits(): Promise<Set<string>> {
  const records = (await exists(RECORDS)) ? [...(await loadRecords(thisMachine)).values()] : [];
  return new Set(records.flatMap(({ units }) => Object.keys(units)));
}

/** The witness need not be there yet, nor know us: any answer has the date. */
function readClock(url: string): Promise<Clock | null> {
  return new Promise((resolve) => {
    const asked = request(url, { method: "HEAD", rejectUnauthorized: false, timeout: WITNESS_LIMIT_MS });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(null));
    asked.once("response", (answer) => {
      answer.resume();
      const witnessMs = Date.parse(answer.headers.date ?? "");
      resolve(Number.isNaN(witnessMs) ? null : { hereMs: Date.now(), witnessMs });
    });
    asked.end();
  });
}

function tool(argv: Argv) {
  return run(argv, { timeoutMs: TOOL_LIMIT_MS });
}

async function hasEntries(folder: string): Promise<boolean> {
  return readdir(folder).then(
    // A file system of its own brings this folder with it.
    (entries) => entries.some((name) => name !== "lost+found"),
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
