import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseSentinel, SENTINEL } from "../../../cli/volume/sentinel.ts";
import { MOUNTPOINT, RESOURCE, SPLIT_BRAIN, T_DATA } from "../paths.ts";
import type { Local } from "../world.ts";
import { command } from "./command.ts";
import { mountedDevice } from "./mounts.ts";

/** DRBD's registered major number. */
const DRBD_MAJOR = 147;
const LIMIT_MS = 3000;

export interface GuardedNode {
  site: string;
  /** DRBD's device. */
  minor: number;
  /** Stands for `/`; empty on a node. */
  root: string;
}

/**
 * Why T must not be started: etcd started on an empty folder becomes a new member with T's identity and none of its
 * promises, and breaks the cluster. What is not known is a reason.
 */
export async function refusal(node: GuardedNode, local: Local): Promise<string | null> {
  return mountRefusal(node) ?? stateRefusal(local) ?? (await dataRefusal(node));
}

function mountRefusal({ minor, root }: GuardedNode): string | null {
  const device = mountedDevice(root);
  if (device === undefined) return `${MOUNTPOINT} is not mounted`;
  const wanted = `${DRBD_MAJOR}:${minor}`;
  return device === wanted ? null : `${MOUNTPOINT} holds the device ${device}, not ${wanted} (/dev/drbd${minor})`;
}

function stateRefusal({ volume, door }: Local): string | null {
  if (volume.role !== "Primary" || volume.frozen) return `${RESOURCE} is not Primary, or its I/O is suspended`;
  if (volume.disk !== "UpToDate") return `this node's copy of ${RESOURCE} is not UpToDate`;
  if (volume.connection === "Connected") return null;
  if (volume.connection !== "StandAlone") return `${RESOURCE} is neither Connected nor StandAlone`;
  return door === "closed" ? null : `this node is alone and the door is ${door}, not closed`;
}

/** By programs with a time limit: a volume that freezes in this moment lets no read end, and this process must go on. */
async function dataRefusal({ site, root }: GuardedNode): Promise<string | null> {
  const volume = `${root}${MOUNTPOINT}`;
  const data = `${root}${T_DATA}`;
  if (existsSync(`${root}${SPLIT_BRAIN}`))
    return `DRBD reported a split brain, and both copies are kept as they are: ${SPLIT_BRAIN}`;
  const look = ["find", volume, "-maxdepth", "4", "(", "-type", "d", "-o", "-size", "+0", ")", "-print"] as const;
  const [found, sentinel] = await Promise.all([
    command(look, LIMIT_MS),
    command(["cat", join(volume, SENTINEL)], LIMIT_MS),
  ]);
  // Some of it may belong to etcd alone; what is listed is listed.
  const paths = found.stdout.split("\n");
  if (found.code === null) return `${MOUNTPOINT} cannot be read: ${found.why}`;
  if (!sentinel.ok)
    return paths.includes(join(volume, SENTINEL))
      ? `${MOUNTPOINT}/${SENTINEL} cannot be read: ${sentinel.why}`
      : `${MOUNTPOINT}/${SENTINEL} is missing: this is not a volume that Tandem made`;
  try {
    const { site: owner, state } = parseSentinel(sentinel.stdout);
    if (owner !== site) return `this volume belongs to the site ${owner}, and this node to ${site}`;
    if (!paths.includes(data)) return `${T_DATA} is missing`;
    const log = join(data, "member/wal/");
    if (state === "new" || paths.some((path) => path.startsWith(log) && path.endsWith(".wal"))) return null;
  } catch (error) {
    return (error as Error).message;
  }
  return (
    `T was created once, and its log ${T_DATA}/member/wal is gone; a new start would forget what it has promised. ` +
    'See "A node\'s disk is gone" in docs/runbook.md'
  );
}
