import { mayGoOn, mayPromoteAlone, mayTakeOver, promotesAhead } from "./alone.ts";
import { readyForHandOver } from "./handshake.ts";
import type { State } from "./state.ts";
import {
  alone,
  armed,
  connected,
  doorOpened,
  fired,
  holder,
  ownMember,
  siblingMember,
  together,
  withoutDisk,
  witnessTrusted,
} from "./state.ts";
import type { Job } from "./world.ts";

/**
 * The decision table of arbitration.md as data. The first rule that applies is the next piece of work; the core runs one
 * piece at a time, and asks again after each. So a rule describes a state, never a sequence, and an agent that was
 * restarted in the middle goes on where the machine stands.
 */
export interface Rule {
  /** Where arbitration.md states it. */
  source: string;
  job: (s: State) => Job;
  reason: string;
  when: (s: State) => boolean;
  /** May overtake a piece of work that is still running. */
  urgent?: true;
}

/** Rule 9: together, nobody is Primary; does this node promote? */
function promotesConnected(s: State): boolean {
  const { volume } = s.local;
  if (!connected(s) || volume.role !== "Secondary" || volume.peerRole !== "Secondary") return false;
  if (!armed(s) || volume.disk !== "UpToDate" || volume.frozen || withoutDisk(volume.peerDisk)) return false;
  return s.settings.index === 0 || volume.peerDisk !== "UpToDate" || fired(s, "orphan");
}

/** DRBD calls any copy UpToDate that meets a node without a disk: nothing was compared, and this one may be old. */
function metNoDisk({ local: { volume } }: State): boolean {
  const nobodyHasIt = volume.role === "Secondary" && volume.peerRole === "Secondary";
  return volume.connection === "Connected" && nobodyHasIt && withoutDisk(volume.peerDisk) && !withoutDisk(volume.disk);
}

/** Lock 6: a node that took the volume over alone starts T only when no old T can still answer an old leader. */
export function gateOpen(s: State): boolean {
  if (connected(s) || s.gatePassed) return true;
  const leads = s.members?.leader === ownMember(s) && s.membersId >= s.gateFrom;
  // A sibling that believes to be connected may start its T again the next moment.
  const isDead = s.sibling?.t === "dead" && s.sibling.connection !== "Connected";
  return leads || isDead || fired(s, "readHoldOff");
}

/** T may use the volume here: this copy is whole and nothing keeps a write from ending. */
function mayUse(s: State): boolean {
  const { volume } = s.local;
  return holder(s) && !volume.frozen && !volume.splitBrain && volume.disk === "UpToDate" && armed(s);
}

/** T belongs here and is not running. */
const wantsT = (s: State): boolean => mayUse(s) && s.local.mounted && s.local.t === "dead";

/** T, which is here, may stop: the two regular members are a quorum, as both nodes see it. */
function canSpareT(s: State): boolean {
  return holder(s) && together(s) && armed(s) && s.sibling !== null && readyForHandOver(s, s.sibling);
}

/** Rule 7, seen from node two. */
const handsOver = (s: State): boolean => s.settings.index === 1 && canSpareT(s);

/** T may stop for a moment, and neither regular member has to lead anew. */
function restartsT(s: State): boolean {
  return canSpareT(s) && s.local.t === "running" && fired(s, "outdated") && s.members?.leader !== "T";
}

/** The regular member that should lead: opposite T, or E1 (`leader`). */
export function properLeader(s: State): "E1" | "E2" {
  if (s.settings.leader === "node-one") return "E1";
  return holder(s) ? siblingMember(s) : ownMember(s);
}

/** Rule 1: the leader is on this node and should be elsewhere. move-leader must be asked of the member that leads. */
function leaderMisplaced(s: State): boolean {
  const leader = s.members?.leader;
  const here = leader === ownMember(s) || (leader === "T" && holder(s));
  const handOverFirst = s.settings.index === 1 && holder(s);
  if (!here || handOverFirst || !together(s) || !armed(s) || s.sibling === null) return false;
  return leader !== properLeader(s) && s.sibling.disarmed.length === 0 && s.sibling.members?.healthy === true;
}

const silence = (s: State): boolean => s.heard === false;

export const RULES: readonly Rule[] = [
  {
    source: "rule 4, lock 5",
    reason: "the sibling owns the data from here on: this frozen copy must be let go",
    urgent: true,
    when: (s) => {
      const { frozen, gen } = s.local.volume;
      return frozen && alone(s) && ((gen !== null && s.lost === gen) || s.condemned) && !mayGoOn(s);
    },
    job: () => ({ name: "letGo" }),
  },
  {
    source: "rule 5, lock 6",
    reason: "frozen and undecided for too long: a frozen T must not go on answering heartbeats",
    urgent: true,
    when: (s) => s.local.volume.frozen && s.local.t === "running" && fired(s, "killLimit"),
    job: () => ({ name: "killT" }),
  },
  {
    source: "rule 11",
    reason: "both nodes have gone on from one generation: that is a split brain, which DRBD is not let to meet",
    when: (s) => s.diverged && alone(s) && !s.local.volume.splitBrain,
    job: () => ({ name: "reportSplitBrain" }),
  },
  {
    source: "rule 11",
    reason: "DRBD reports a real split brain: both copies are kept as they are for the operator",
    when: (s) => s.local.volume.splitBrain && s.local.t === "running",
    job: () => ({ name: "killT" }),
  },
  {
    source: "detection",
    reason: "the sibling is silent: cut the connection now instead of waiting for DRBD to notice",
    when: (s) => silence(s) && connected(s) && witnessTrusted(s),
    job: () => ({ name: "disconnect" }),
  },
  {
    source: "lock 5",
    reason: "DRBD looks for a sibling that does not come: only a new handshake may connect again",
    when: (s) => s.local.volume.connection === "Connecting" && (silence(s) || fired(s, "connecting")),
    job: () => ({ name: "disconnect" }),
  },
  {
    source: "rule 9",
    reason:
      "nobody has the volume and the sibling has no disk: not the meeting, only the claim says whose copy is the newest",
    when: metNoDisk,
    job: () => ({ name: "disconnect" }),
  },
  {
    source: "lock 5",
    reason: "the door was opened by nobody in this boot, or by half: anything but a noted opening means closed",
    when: (s) => s.local.door !== "closed" && !doorOpened(s) && alone(s) && !s.meeting,
    job: () => ({ name: "closeDoor" }),
  },
  {
    source: "rule 3, lock 5",
    reason: "going on alone: the door is closed first",
    when: (s) =>
      s.local.door !== "closed" && alone(s) && !s.meeting && (mayPromoteAlone(s) || mayTakeOver(s) || wantsT(s)),
    job: () => ({ name: "closeDoor" }),
  },
  {
    source: "rule 3, lock 5",
    reason: "going on alone: DRBD must not connect behind the closed door",
    when: (s) => s.local.volume.connection === "Connecting" && !s.meeting && (mayPromoteAlone(s) || wantsT(s)),
    job: () => ({ name: "disconnect" }),
  },
  {
    source: "rules 3 and 8",
    reason: "this node goes on alone",
    when: (s) =>
      (mayPromoteAlone(s) || promotesAhead(s)) &&
      s.local.door === "closed" &&
      s.local.volume.connection === "StandAlone",
    job: () => ({ name: "takeVolume" }),
  },
  {
    source: "lock 5",
    reason: "the sibling answered the handshake",
    when: (s) => s.meeting && alone(s) && !doorOpened(s),
    job: () => ({ name: "openDoor" }),
  },
  {
    source: "rule 6",
    reason: "the door is open: the halves may meet",
    when: (s) => s.meeting && doorOpened(s) && s.local.volume.connection === "StandAlone",
    job: () => ({ name: "connect" }),
  },
  {
    source: "rules 1 and 6",
    reason: "the halves are connected: the link came back while the door was being closed",
    when: (s) => connected(s) && !doorOpened(s) && !silence(s),
    job: () => ({ name: "openDoor" }),
  },
  {
    source: "rule 7",
    reason: "hand-over: the leader must not leave with T",
    when: (s) => handsOver(s) && s.members?.leader === "T",
    job: (s) => ({ name: "moveLeader", to: s.settings.leader === "opposite" ? "E2" : "E1" }),
  },
  {
    source: "rule 7",
    reason: "hand-over: node one is back, healthy and caught up",
    when: (s) => handsOver(s) && s.local.t === "running" && s.members?.leader !== "T",
    job: () => ({ name: "stopT" }),
  },
  {
    source: "rule 7",
    reason: "hand-over: T has stopped, node one may have the volume",
    when: (s) => handsOver(s) && s.local.t === "dead",
    job: () => ({ name: "releaseVolume" }),
  },
  {
    source: "rule 7",
    reason: "T's settings have changed: it starts again with them, while E1 and E2 are a quorum",
    when: restartsT,
    job: () => ({ name: "stopT" }),
  },
  {
    source: "rule 9",
    reason: "together, and nobody has the volume",
    when: promotesConnected,
    job: () => ({ name: "takeVolume" }),
  },
  {
    source: "rule 3",
    reason: "the volume is Primary here and not mounted",
    when: (s) => mayUse(s) && !s.local.mounted,
    job: () => ({ name: "takeVolume" }),
  },
  {
    source: "rules 1 and 3, lock 6",
    reason: "T belongs to the holder of the volume",
    when: (s) => wantsT(s) && gateOpen(s) && (connected(s) || standsAloneBehindDoor(s)),
    job: () => ({ name: "startT" }),
  },
  {
    source: "rule 1",
    reason: "the leader belongs on the other side",
    when: leaderMisplaced,
    job: (s) => ({ name: "moveLeader", to: properLeader(s) }),
  },
];

/** T alone: the old half must be unable to reach it (lock 5). */
function standsAloneBehindDoor(s: State): boolean {
  return s.local.door === "closed" && s.local.volume.connection === "StandAlone";
}
