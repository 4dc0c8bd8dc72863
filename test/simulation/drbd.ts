import type { Local, Volume } from "../../components/arbiter/agent/world.ts";
import { forgive } from "./operator.ts";
import {
  linked,
  opposite,
  runs,
  SIDES,
  type Side,
  type SimNode,
  type SimWorld,
  type Twist,
  token,
  Violation,
} from "./world.ts";

/** Of metadata that have just been made: older than every generation. The agent reads it as none. */
export const NEVER_WRITTEN = "never written";

/** What a node's kernel can tell its agent; nothing of the sibling beyond what DRBD has been told. */
export function reading(w: SimWorld, side: Side): Local {
  const node = w.nodes[side];
  const volume: Volume = {
    role: node.role,
    disk: node.disk,
    peerDisk: node.peerDisk,
    peerRole: node.peerRole,
    connection: node.connection,
    sync: node.sync,
    frozen: node.frozen,
    gen: node.current === NEVER_WRITTEN || node.disk === "Diskless" ? null : node.current,
    left: node.disk === "Diskless" ? null : node.left,
    splitBrain: node.splitBrain,
  };
  return {
    volume,
    door: node.door,
    mounted: node.mounted,
    t: node.t,
    tOutdated: node.tOutdated,
    disarmed: node.disarmed,
  };
}

/** The connection is gone for this end: in the same step a Primary that may have a sibling ahead of it freezes. */
export function lose(w: SimWorld, side: Side, next: "Connecting" | "StandAlone", twist: Twist): void {
  const node = w.nodes[side];
  if (node.connection !== "Connected") {
    node.connection = next;
    return;
  }
  const mayGoOn = node.peerDisk === "Outdated" || node.peerDisk === "Inconsistent";
  node.connection = next;
  node.sync = "none";
  node.peerRole = "Unknown";
  if (!mayGoOn) node.peerDisk = "Unknown";
  w.session = false;
  if (node.role !== "Primary") return;
  if (!mayGoOn && !twist.without?.includes("freeze")) {
    node.frozen = true;
    if (node.handler !== "won" || !twist.without?.includes("a new question for a new loss")) node.handler = "waiting";
  } else leaveGeneration(w, node);
}

/** Going on alone starts a generation, unless this node is ahead of its sibling already. */
export function leaveGeneration(w: SimWorld, node: SimNode): void {
  if (node.left !== null || node.disk === "Diskless") return;
  node.left = node.current;
  node.current = token(w, "gen");
}

/** The handler of a frozen Primary has ended; the kernel takes its exit code, if the link did not come back. */
export function handlerEnded(w: SimWorld, side: Side): void {
  const node = w.nodes[side];
  const word = node.handler;
  node.handler = "none";
  if (!node.frozen || node.connection === "Connected") return;
  if (word === "won") {
    node.peerDisk = "Outdated";
    thaw(node);
    forgive(w, side);
    leaveGeneration(w, node);
    if (node.disk === "Diskless" && node.t === "running") node.t = "dead";
  } else if (word === "lost") node.disk = "Outdated";
}

function thaw(node: SimNode): void {
  node.frozen = false;
  if (node.t === "dying") node.t = "dead";
}

/** Both ends look for each other and the link carries: DRBD's own handshake. */
export function mayShakeHands(w: SimWorld): boolean {
  return linked(w) && SIDES.every((side) => w.nodes[side].connection === "Connecting");
}

type Outcome = "same" | "first is source" | "second is source" | "split brain";

/** Which copy is newer, by the generations alone (drbd_uuid_compare). */
function compare(first: SimNode, second: SimNode): Outcome {
  if (first.current === NEVER_WRITTEN) return "second is source";
  if (second.current === NEVER_WRITTEN) return "first is source";
  if (first.current === second.current) {
    if ((first.left === null) !== (second.left === null)) {
      return first.left !== null ? "first is source" : "second is source";
    }
    if (first.crashedPrimary !== second.crashedPrimary) {
      return first.crashedPrimary ? "first is source" : "second is source";
    }
    return first.crashedPrimary ? "first is source" : "same";
  }
  if (second.left === first.current) return "second is source";
  if (first.left === second.current) return "first is source";
  if (second.history.includes(first.current)) return "second is source";
  if (first.history.includes(second.current)) return "first is source";
  return "split brain";
}

/** @returns what happened, in plain words */
export function shakeHands(w: SimWorld, twist: Twist): string {
  const [first, second] = w.nodes;
  const part = (why: string): string => {
    for (const node of w.nodes) node.connection = "StandAlone";
    return why;
  };
  if (first.disk === "Diskless" || second.disk === "Diskless") return meetWithoutDisk(w, part);
  const outcome = compare(first, second);
  if (outcome === "split brain") {
    for (const node of w.nodes) node.splitBrain = true;
    throw new Violation("split brain: the copies went on from one generation apart, or are unrelated");
  }
  if (first.role === "Primary" && second.role === "Primary") return part("two Primaries meet and refuse");

  const [source, target]: [SimNode, SimNode] = outcome === "second is source" ? [second, first] : [first, second];
  if (outcome !== "same" && target.role === "Primary") return part("a Primary refuses to become SyncTarget");

  const frozen = w.nodes.find((node) => node.frozen);
  const sibling = frozen === first ? second : first;
  if (outcome === "same" && frozen !== undefined && sibling.disk === "Consistent") {
    // DRBD 8.4: "can not thaw IO with an only Consistent peer" completes what is pending, without a verdict.
    if (frozen.t !== "dead") sibling.misses = true;
    leaveGeneration(w, frozen);
    frozen.handler = "waiting";
    return "the frozen Primary completes its writes without a verdict (8.4) and drops the rebooted sibling";
  }

  w.session = true;
  for (const side of SIDES) {
    const node = w.nodes[side];
    node.connection = "Connected";
    node.peerRole = w.nodes[opposite(side)].role;
    thaw(node);
    node.crashedPrimary = false;
  }
  if (outcome === "same") {
    for (const node of w.nodes) {
      node.disk = "UpToDate";
      node.peerDisk = "UpToDate";
      node.left = null;
    }
    return "they connect, both copies are the same";
  }
  // The before-resync-target handler runs before the first block.
  if (!twist.without?.includes("disarm")) target.disarmed = [...target.disarmed, token(w, "disarm")];
  const sync = token(w, "gen");
  if (source.left !== null) remember(source, source.left);
  source.left = sync;
  source.disk = "UpToDate";
  source.peerDisk = "Inconsistent";
  source.sync = "source";
  target.current = sync;
  target.left = null;
  target.disk = "Inconsistent";
  target.peerDisk = "UpToDate";
  target.sync = "target";
  target.misses = true;
  return `they connect, ${source === first ? "node one" : "node two"} is the source`;
}

/** There is nothing to compare: whoever has a disk serves both. */
function meetWithoutDisk(w: SimWorld, part: (why: string) => string): string {
  if (w.nodes.every((node) => node.role === "Primary")) return part("two Primaries meet and refuse");
  for (const side of SIDES) {
    const { exposed } = w.nodes[side];
    if (exposed !== null && exposed !== w.nodes[opposite(side)].current)
      return part("a Primary without a disk refuses other data");
  }
  w.session = true;
  // "D_CONSISTENT and D_OUTDATED vanish when we get connected" (drbd_state.c), whatever the other end has.
  for (const node of w.nodes) if (node.disk === "Consistent" || node.disk === "Outdated") node.disk = "UpToDate";
  for (const side of SIDES) {
    const node = w.nodes[side];
    const other = w.nodes[opposite(side)];
    node.connection = "Connected";
    node.peerRole = other.role;
    node.peerDisk = other.disk;
    thaw(node);
    // Only an UpToDate copy goes on for both (drbd_state.c); half a copy stays in its source's generation.
    const goesOn = node.disk === "UpToDate" && other.disk === "Diskless";
    if (goesOn && (node.role === "Primary" || other.role === "Primary")) leaveGeneration(w, node);
    if (other.role === "Primary" && other.disk === "Diskless") other.exposed = node.current;
  }
  return "they connect, one without a disk";
}

/**
 * I/O errors: DRBD detaches the disk. Its metadata stay as they were written last, and nothing tells that this copy will miss
 * what comes. A sibling that has a whole disk goes on from a new generation, once there is a Primary.
 */
export function diskFails(w: SimWorld, side: Side): void {
  const node = w.nodes[side];
  const other = w.nodes[opposite(side)];
  node.disk = "Diskless";
  node.sync = "none";
  if (!w.session || node.connection !== "Connected") {
    if (node.role === "Primary") node.exposed = node.current;
    // Nobody else has the data: T's writes fail, and it ends.
    if (node.role === "Primary" && !node.frozen && node.t === "running") node.t = "dead";
    return;
  }
  other.peerDisk = "Diskless";
  other.sync = "none";
  if (node.role === "Primary" || other.role === "Primary") {
    if (other.disk === "UpToDate") leaveGeneration(w, other);
    else if (node.t === "running") node.t = "dead";
  }
  if (node.role === "Primary") node.exposed = other.current;
}

/** The before-resync-target handler fails: DRBD drops the connection, and only the other end goes on looking. */
export function refuseResync(w: SimWorld): string {
  const [first, second] = w.nodes;
  const outcome = compare(first, second);
  if (outcome === "first is source") second.connection = "StandAlone";
  else if (outcome === "second is source") first.connection = "StandAlone";
  return outcome;
}

function remember(node: SimNode, generation: string): void {
  node.history = [generation, ...node.history.filter((other) => other !== generation)].slice(0, 4);
}

/** The end of a resync is two events; between them the source still thinks its sibling behind, and would not freeze. */
export function targetFinishes(w: SimWorld, side: Side): void {
  const target = w.nodes[side];
  const source = w.nodes[opposite(side)];
  target.disk = "UpToDate";
  target.sync = "none";
  target.current = source.current;
  target.history = source.history;
  target.misses = source.misses;
  const volume = w.etcd.tTerm;
  w.etcd.tTerm = side === 0 ? [volume[1], volume[1]] : [volume[0], volume[0]];
}

export const mayFinishTarget = (w: SimWorld, side: Side): boolean =>
  w.session && w.nodes.every(runs) && w.nodes[side].sync === "target";

export const mayFinishSource = (w: SimWorld, side: Side): boolean =>
  w.session && w.nodes.every(runs) && w.nodes[side].sync === "source" && w.nodes[opposite(side)].sync === "none";

export function sourceFinishes(w: SimWorld, side: Side): void {
  const source = w.nodes[side];
  if (source.left !== null) remember(source, source.left);
  source.left = null;
  source.peerDisk = "UpToDate";
  source.sync = "none";
}

/** Power is lost: what is left is on disk. */
export function crash(w: SimWorld, side: Side): void {
  const node = w.nodes[side];
  node.up = false;
  node.agent = null;
  node.slow = false;
  node.pause = "none";
  node.exposed = null;
  node.misheard = false;
  node.crashedPrimary ||= node.role === "Primary";
  node.role = "Secondary";
  node.peerRole = "Unknown";
  node.connection = "StandAlone";
  node.sync = "none";
  node.frozen = false;
  node.handler = "none";
  node.promotion = "none";
  node.door = "closed";
  node.doorForced = false;
  node.mounted = false;
  node.t = "dead";
  node.tOutdated = false;
  node.jobs = [];
  node.requests = [];
  node.answers = [];
  w.session = false;
  const behind = node.peerDisk === "Outdated" || node.peerDisk === "Inconsistent";
  node.peerDisk = behind ? "Outdated" : "Unknown";
  // A disk that had failed may well answer again, and is attached as it was.
  if (node.disk === "UpToDate" || node.disk === "Consistent" || node.disk === "Diskless")
    node.disk = behind ? "UpToDate" : "Consistent";
}

/** The kernel is up, DRBD attached and StandAlone, the door closed; no agent yet. */
export function boot(w: SimWorld, side: Side, twist: Twist): void {
  const node = w.nodes[side];
  node.up = true;
  node.boot += 1;
  node.door = twist.without?.includes("closed door at boot") ? "open" : "closed";
  if (twist.without?.includes("standing alone at boot")) node.connection = "Connecting";
}
