import type { Connection, Disk, Generation, Volume } from "../world.ts";

/** What /proc/drbd of DRBD 8.4 says of one minor: the whole state in one line, also of a sibling that is away. */
export interface ProcLine {
  cs: string;
  role: string;
  peerRole: string;
  disk: string;
  peerDisk: string;
  suspended: boolean;
}

export interface Generations {
  gen: Generation | null;
  left: Generation | null;
}

/** The attributes of one object in `drbdsetup events2`, such as `role` of `resource`. */
export type Attributes = Readonly<Record<string, string>>;

/** Null for a minor that is not configured. */
export function parseProc(text: string, minor: number): ProcLine | null {
  const found = new RegExp(`^ *${minor}: cs:(\\w+) ro:(\\w+)/(\\w+) ds:(\\w+)/(\\w+) . ([rs])`, "m").exec(text);
  if (found === null) return null;
  const [, cs = "", role = "", peerRole = "", disk = "", peerDisk = "", io] = found;
  return { cs, role, peerRole, disk, peerDisk, suspended: io === "s" };
}

/** `drbdsetup get-gi`: current, bitmap, history and flags, separated by colons; null if it is something else. */
export function parseGenerations(text: string): Generations | null {
  const found = /^([0-9A-F]{16}):([0-9A-F]{16}):/i.exec(text.trim());
  return found === null ? null : { gen: generation(found[1] ?? ""), left: generation(found[2] ?? "") };
}

/** The lowest bit only says "was Primary". 0 is no generation, 4 one that has never been written (just created). */
function generation(uuid: string): Generation | null {
  const cleared = BigInt(`0x${uuid}`) & ~1n;
  return cleared === 0n || cleared === 4n ? null : cleared.toString(16).toUpperCase().padStart(16, "0");
}

/** The objects that `drbdsetup events2 --now` lists, by their kind; a site has one of each. */
export function parseEvents(text: string): Readonly<Record<string, Attributes>> {
  const objects: Record<string, Attributes> = {};
  for (const line of text.split("\n")) {
    const [verb, kind, ...words] = line.trim().split(" ");
    if (verb !== "exists" || kind === undefined || kind === "-") continue;
    objects[kind] = Object.fromEntries(
      words.map((word) => [word.slice(0, word.indexOf(":")), word.slice(word.indexOf(":") + 1)]),
    );
  }
  return objects;
}

export const isSuspendedByFencing = (resource: Attributes | undefined): boolean =>
  (resource?.suspended ?? "no").split(",").includes("fencing");

type DrbdState = Omit<Volume, "gen" | "left" | "splitBrain">;

/** DRBD 8.4. `fenced` is asked of `events2`: the line only says that I/O is suspended, not why. */
export function stateOfProc(line: ProcLine, fenced: boolean): DrbdState {
  return {
    role: line.role === "Primary" ? "Primary" : "Secondary",
    disk: diskOf(line.disk),
    peerDisk: diskOf(line.peerDisk),
    peerRole: roleOf(line.peerRole),
    connection: connectionOf(line.cs),
    sync: syncOf(line.cs),
    frozen: line.suspended && fenced,
  };
}

/** DRBD 9; null while the resource is not configured. */
export function stateOfEvents(objects: Readonly<Record<string, Attributes>>): DrbdState | null {
  const { resource, device, connection } = objects;
  const peer = objects["peer-device"];
  if (resource === undefined || device === undefined) return null;
  return {
    role: resource.role === "Primary" ? "Primary" : "Secondary",
    disk: diskOf(device.disk ?? ""),
    peerDisk: diskOf(peer?.["peer-disk"] ?? ""),
    peerRole: roleOf(connection?.role ?? ""),
    connection: connectionOf(connection?.connection ?? "StandAlone"),
    sync: syncOf(peer?.replication ?? ""),
    frozen: isSuspendedByFencing(resource),
  };
}

function diskOf(word: string): Disk {
  switch (word) {
    case "UpToDate":
    case "Consistent":
    case "Outdated":
    case "Inconsistent":
    case "Failed":
    case "Diskless":
      return word;
    case "Detaching":
      return "Failed";
    default:
      return "Unknown";
  }
}

const roleOf = (word: string): Volume["peerRole"] => (word === "Primary" || word === "Secondary" ? word : "Unknown");

const APART = new Set([
  "Disconnecting",
  "Unconnected",
  "Timeout",
  "BrokenPipe",
  "NetworkFailure",
  "ProtocolError",
  "TearDown",
  "WFConnection",
  "WFReportParams",
  "Connecting",
]);

function connectionOf(word: string): Connection {
  if (word === "StandAlone") return "StandAlone";
  return APART.has(word) ? "Connecting" : "Connected";
}

function syncOf(word: string): Volume["sync"] {
  if (/^(StartingSyncS|WFBitMapS|SyncSource|PausedSyncS|Ahead)$/.test(word)) return "source";
  if (/^(StartingSyncT|WFBitMapT|WFSyncUUID|SyncTarget|PausedSyncT|Behind)$/.test(word)) return "target";
  return "none";
}
