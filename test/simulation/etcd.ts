import type { Leader, Members } from "../../components/arbiter/agent/world.ts";
import { linked, opposite, runs, SIDES, type Side, type SimWorld, type Twist, Violation } from "./world.ts";

export type Member = "E1" | "E2" | "T1" | "T2";
const MEMBERS: readonly Member[] = ["E1", "E2", "T1", "T2"];

const sideOf = (member: Member): Side => (member.endsWith("1") ? 0 : 1);
const isT = (member: Member): boolean => member.startsWith("T");
const termOf = (w: SimWorld, member: Member): number =>
  isT(member) ? w.etcd.tTerm[sideOf(member)] : w.etcd.term[sideOf(member)];

/** The process runs; a T on a frozen volume still answers heartbeats. */
function alive(w: SimWorld, member: Member): boolean {
  const node = w.nodes[sideOf(member)];
  return node.up && (!isT(member) || node.t === "running");
}

/** What T writes here reaches a disk: both disks while connected, this one after a thaw or a lone promotion. */
export function mayWrite(w: SimWorld, side: Side): boolean {
  const node = w.nodes[side];
  if (!runs(node) || node.role !== "Primary" || node.t !== "running" || node.frozen) return false;
  const connected = node.connection === "Connected";
  if (node.disk === "Diskless") return connected && w.session && w.nodes[opposite(side)].disk === "UpToDate";
  return node.disk === "UpToDate" && (!connected || w.session);
}

const durable = (w: SimWorld, member: Member): boolean =>
  alive(w, member) && runs(w.nodes[sideOf(member)]) && (!isT(member) || mayWrite(w, sideOf(member)));

/** Peer traffic: inside a node always, between nodes through two open doors. */
function reaches(w: SimWorld, from: Member, to: Member, twist: Twist): boolean {
  if (!alive(w, from) || !alive(w, to)) return false;
  if (!runs(w.nodes[sideOf(from)]) || !runs(w.nodes[sideOf(to)])) return false;
  if (sideOf(from) === sideOf(to)) return true;
  const open = twist.without?.includes("door") || w.nodes.every((node) => node.door !== "closed");
  return linked(w) && open;
}

/** Two places of T are one member. */
const distinct = (a: Member, b: Member): boolean => a !== b && !(isT(a) && isT(b));

/** The leader that the regular member of this node follows or is, as it believes. */
export function leaderSeen(w: SimWorld, side: Side, twist: Twist): Leader {
  const own: Member = side === 0 ? "E1" : "E2";
  let seen: Member | null = null;
  for (const member of MEMBERS) {
    const term = w.etcd.leads[member];
    if (term === 0 || term < w.etcd.term[side] || !reaches(w, own, member, twist)) continue;
    if (seen === null || term > w.etcd.leads[seen]) seen = member;
  }
  if (seen === null) return "none";
  return isT(seen) ? "T" : (seen as "E1" | "E2");
}

export function members(w: SimWorld, side: Side, twist: Twist): Members {
  const leader = leaderSeen(w, side, twist);
  return { healthy: leader !== "none", leader, applied: 0 };
}

/** Members that could lead now: no leader is in reach, and one more member would vote durably. */
export function candidates(w: SimWorld, twist: Twist): { member: Member; voter: Member }[] {
  const found: { member: Member; voter: Member }[] = [];
  for (const member of MEMBERS) {
    if (!durable(w, member) || w.etcd.leads[member] > 0) continue;
    const led = MEMBERS.some(
      (other) =>
        w.etcd.leads[other] >= termOf(w, member) && w.etcd.leads[other] > 0 && reaches(w, member, other, twist),
    );
    if (led) continue;
    const voter = MEMBERS.find(
      (other) => distinct(member, other) && durable(w, other) && reaches(w, member, other, twist),
    );
    if (voter !== undefined) found.push({ member, voter });
  }
  return found;
}

export function elect(w: SimWorld, member: Member, voter: Member, twist: Twist): void {
  const term = Math.max(termOf(w, member), termOf(w, voter)) + 1;
  setTerm(w, member, term);
  setTerm(w, voter, term);
  w.etcd.leads[member] = term;
  for (const other of MEMBERS) {
    if (other !== member && w.etcd.leads[other] > 0 && reaches(w, member, other, twist)) w.etcd.leads[other] = 0;
  }
  // On node two the election timeouts are at least H: who wins there after a displacement has waited for it.
  const waited = sideOf(member) === 1 && !twist.without?.includes("long election timeouts");
  if (waited && !w.session) w.etcd.clock = true;
}

function setTerm(w: SimWorld, member: Member, term: number): void {
  const side = sideOf(member);
  const terms = isT(member) ? "tTerm" : "term";
  const both = isT(member) && w.nodes[side].connection === "Connected";
  const [one, two] = w.etcd[terms];
  w.etcd[terms] = both ? [term, term] : side === 0 ? [term, two] : [one, term];
}

/** Higher terms spread over what is reachable; a leader that hears of one steps down. A frozen T writes nothing. */
export function spreadTerms(w: SimWorld, twist: Twist): void {
  for (const member of MEMBERS) {
    if (w.etcd.leads[member] > 0 && !alive(w, member)) w.etcd.leads[member] = 0;
  }
  for (const leader of MEMBERS) {
    const term = w.etcd.leads[leader];
    if (term === 0) continue;
    for (const other of MEMBERS) {
      if (!distinct(leader, other) || !reaches(w, leader, other, twist)) continue;
      if (termOf(w, other) < term && durable(w, other)) setTerm(w, other, term);
      else if (termOf(w, other) > term) w.etcd.leads[leader] = 0;
    }
  }
}

/** A leader without a quorum of answers steps down after its election timeout. */
export function lonely(w: SimWorld, twist: Twist): Member[] {
  return MEMBERS.filter(
    (leader) =>
      w.etcd.leads[leader] > 0 &&
      runs(w.nodes[sideOf(leader)]) &&
      !MEMBERS.some((other) => distinct(leader, other) && reaches(w, leader, other, twist)),
  );
}

/** A linearizable read needs only heartbeats: an old leader whose old T still answers would serve the past. */
export function checkReads(w: SimWorld, twist: Twist): void {
  if (w.etcd.clock) return;
  for (const old of MEMBERS) {
    const term = w.etcd.leads[old];
    if (term === 0) continue;
    const confirmed = MEMBERS.some(
      (other) => distinct(old, other) && reaches(w, old, other, twist) && termOf(w, other) === term,
    );
    const newer = MEMBERS.find(
      (leader) =>
        w.etcd.leads[leader] > term &&
        MEMBERS.some((other) => distinct(leader, other) && reaches(w, leader, other, twist) && durable(w, other)) &&
        durable(w, leader),
    );
    if (confirmed && newer !== undefined) {
      throw new Violation(`stale read: ${old} still answers in term ${term} while ${newer} commits in a later one`);
    }
  }
}

/** Two processes of T are one member to the others: no agent may bring them in reach of one another (lock 5). */
export function checkProcesses(w: SimWorld, twist: Twist): void {
  if (w.nodes.some((node) => node.doorForced)) return;
  if (reaches(w, "T1", "T2", twist)) throw new Violation("two processes of T are in reach of one another");
}

/** What T writes here is acknowledged at once; the other copy has it only through a living connection. */
export function write(w: SimWorld): void {
  for (const side of SIDES) {
    if (!mayWrite(w, side)) continue;
    const other = w.nodes[opposite(side)];
    const written = w.nodes[side].disk === "Diskless" ? other : w.nodes[side];
    if (written.misses) {
      throw new Violation(
        `T on node ${side === 0 ? "one" : "two"} promises on a copy that lacks an acknowledged write`,
      );
    }
    if (w.nodes[side].disk === "Diskless") w.nodes[side].misses = true;
    else if (w.nodes[side].connection !== "Connected" || other.disk === "Diskless") other.misses = true;
  }
  if (mayWrite(w, 0) && mayWrite(w, 1)) throw new Violation("two nodes have a T that promises");
}
