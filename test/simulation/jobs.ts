import type { Job } from "../../components/arbiter/agent/world.ts";
import { askPromotion, type Setup } from "./agent.ts";
import { crash, leaveGeneration, lose } from "./drbd.ts";
import { elect, type Member } from "./etcd.ts";
import { forgive } from "./operator.ts";
import { opposite, type Side, type SimWorld, Violation } from "./world.ts";

export interface Outcome {
  ok: boolean;
  why: string;
}

const DONE: Outcome = { ok: true, why: "" };
const failed = (why: string): Outcome => ({ ok: false, why });

/** Carries out one piece of work as the node's tools and kernel would. @returns null while it waits for the handler */
export function carryOut(w: SimWorld, side: Side, job: Job, setup: Setup): Outcome | null {
  const node = w.nodes[side];
  switch (job.name) {
    case "disconnect":
      lose(w, side, "StandAlone", setup.twist);
      return DONE;
    case "connect":
      if (node.connection === "StandAlone") node.connection = "Connecting";
      return DONE;
    case "closeDoor":
      node.door = "closed";
      node.doorForced = false;
      return DONE;
    case "openDoor":
      node.door = "open";
      node.doorForced = false;
      return DONE;
    case "takeVolume":
      return takeVolume(w, side, setup);
    case "releaseVolume":
      if (node.t !== "dead" || node.frozen) return failed("the volume is in use");
      node.mounted = false;
      node.role = "Secondary";
      return DONE;
    case "startT":
      return startT(w, side, setup);
    case "stopT":
    case "killT":
      if (node.t === "running") node.t = node.frozen ? "dying" : "dead";
      return DONE;
    case "letGo":
      if (setup.twist.without?.includes("reboot of the loser")) {
        // An earlier draft: resume-io on the loser.
        node.frozen = false;
        leaveGeneration(w, node);
        return DONE;
      }
      if (setup.drbd === 8) crash(w, side);
      else forceSecondary(w, side);
      return DONE;
    case "moveLeader": {
      const own: Member = side === 0 ? "E1" : "E2";
      const leader: Member = w.etcd.leads[own] > 0 ? own : side === 0 ? "T1" : "T2";
      if (w.etcd.leads[leader] === 0 || !w.session || node.door !== "open") return failed("not the leader");
      elect(w, job.to, leader, setup.twist);
      w.etcd.leads[leader] = 0;
      return DONE;
    }
    case "reportSplitBrain":
      if (!setup.operator) throw new Violation("both nodes have gone on from one generation");
      node.splitBrain = true;
      return DONE;
    case "rearm":
      node.disarmed = node.disarmed.filter((note) => !job.notes.includes(note));
      return DONE;
  }
}

/** DRBD 9: `secondary --force` fails the frozen I/O. */
function forceSecondary(w: SimWorld, side: Side): void {
  const node = w.nodes[side];
  node.t = "dead";
  node.frozen = false;
  node.handler = "none";
  node.role = "Secondary";
  // What was in flight may be on this disk only: connecting again must resync it.
  node.crashedPrimary = true;
}

function takeVolume(w: SimWorld, side: Side, setup: Setup): Outcome | null {
  const node = w.nodes[side];
  if (node.role === "Secondary") {
    // DRBD 9 promotes nothing that is still open.
    node.mounted = false;
    const refused = promote(w, side, setup);
    if (node.promotion === "asking") return null;
    if (refused !== null) return failed(refused);
  }
  if (node.frozen) return failed("the volume is frozen");
  node.mounted = true;
  return DONE;
}

/** `drbdsetup primary`, with the kernel's own refusals and its call of the fence-peer handler. @returns why not */
export function promote(w: SimWorld, side: Side, setup: Setup): string | null {
  const node = w.nodes[side];
  if (node.connection === "Connected") {
    if (!w.session) return "the sibling does not answer";
    if (w.nodes[opposite(side)].role === "Primary") return "the sibling is Primary";
    // Connected to an UpToDate source a SyncTarget may be promoted: the agent must not.
    if (node.disk !== "UpToDate" && w.nodes[opposite(side)].disk !== "UpToDate") return "no UpToDate copy";
    node.role = "Primary";
    checkPromotion(w, side);
    return null;
  }
  if (node.disk !== "UpToDate" && node.disk !== "Consistent") return "no whole copy";
  const ahead = node.peerDisk === "Outdated" || node.peerDisk === "Inconsistent";
  if (!(ahead && node.disk === "UpToDate") && !setup.twist.without?.includes("promotion gate")) {
    if (node.promotion === "none") askPromotion(w, side, setup);
    const word = node.promotion;
    if (word === "asking") return "the handler waits";
    node.promotion = "none";
    if (word === "lost") node.disk = "Outdated";
    if (word !== "won") return `the handler says ${word}`;
    node.peerDisk = "Outdated";
  }
  node.disk = "UpToDate";
  node.role = "Primary";
  forgive(w, side);
  leaveGeneration(w, node);
  checkPromotion(w, side);
  return null;
}

function checkPromotion(w: SimWorld, side: Side): void {
  if (w.nodes[side].misses) {
    throw new Violation(`node ${side === 0 ? "one" : "two"} is promoted on a copy that lacks an acknowledged write`);
  }
}

function startT(w: SimWorld, side: Side, setup: Setup): Outcome {
  const node = w.nodes[side];
  if (node.t !== "dead") return failed("T is there already");
  if (!node.mounted && !setup.twist.without?.includes("mount guard")) return failed("the volume is not mounted");
  const apart = node.connection === "StandAlone" && node.door === "closed";
  if (node.connection !== "Connected" && !apart && !setup.twist.without?.includes("door")) {
    return failed("the door is not closed");
  }
  if (!node.mounted) throw new Violation("T starts on an unmounted folder");
  node.t = "running";
  node.tOutdated = false;
  return DONE;
}
