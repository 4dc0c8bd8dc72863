import type { Hello, Job, WitnessAnswer, WitnessRequest } from "../../components/arbiter/agent/world.ts";
import type { Setup } from "./agent.ts";
import { Canon, type Key } from "./canon.ts";
import { putAgent, putNotes } from "./canonical-agent.ts";
import { NEVER_WRITTEN } from "./drbd.ts";
import { opposite, SIDES, type Side, type SimNode, type SimWorld } from "./world.ts";

/**
 * What of a world can still change the course of things, as numbers. Two worlds with the same numbers behave alike: fresh
 * names are numbered by appearance, and what nobody will ever read again is left out. Each thing left out says why; the
 * test "worlds that count as one behave alike" looks for pairs that do not.
 */
export function keyOf(w: SimWorld, setup: Setup): Key {
  const c = new Canon();
  c.put(w.faults);
  c.put(w.late);
  for (const side of SIDES) putNode(c, w, side, setup);
  putWitness(c, w);
  for (const node of w.nodes) putPast(c, node);
  if (setup.members) putEtcd(c, w);
  return c.key64();
}

function putJob(c: Canon, job: Job): void {
  c.word(job.name);
  if (job.name === "moveLeader") c.word(job.to);
}

function putRequest(c: Canon, request: WitnessRequest): void {
  c.word(request.verb);
  if (request.verb === "incarnation") return;
  if (request.verb === "collect") {
    c.name(request.incarnation);
    c.put(request.past.length > 0 ? 1 : 0);
  } else c.key(request.key);
}

function putAnswer(c: Canon, answer: WitnessAnswer): void {
  if (answer === "silence") c.put(-1);
  else {
    c.put(answer.status);
    c.name(answer.body);
  }
}

function putHello(c: Canon, hello: Hello): void {
  c.name(hello.incarnation);
  c.name(hello.nothingBut);
  c.name(hello.gen);
  c.name(hello.left);
  for (const word of [hello.disk, hello.peerDisk, hello.role, hello.connection, hello.t, hello.claim]) c.word(word);
  c.word(hello.waived);
  c.word(hello.waiver);
  c.flag(hello.frozen);
  c.flag(hello.fresh);
  c.flag(hello.disarmed.length === 0);
  c.flag(hello.members?.healthy === true);
  c.word(hello.members?.leader ?? null);
}

const NONE: readonly string[] = [];

/** Of past generations that nothing else names only counts whether there are any: their folders are read by nobody. */
function putPast(c: Canon, { notes, agent }: SimNode): void {
  for (const past of [notes.past, agent?.collecting?.past ?? NONE]) {
    if (past.length === 0) {
      c.put(-7);
      continue;
    }
    const known = past.filter((gen) => c.knows(gen));
    c.names(known);
    c.flag(known.length < past.length);
  }
}

/**
 * Notes in the same places share their fate for ever, so each combination of places counts once, however many notes
 * there are: on the disk, in the agent's reading, in work under way, in answers under way.
 */
function putDisarmed(c: Canon, node: SimNode): void {
  if (node.disarmed.length === 0 && node.answers.length === 0 && (node.agent?.local.disarmed.length ?? 0) === 0) {
    c.put(0);
    return;
  }
  const places: (readonly string[])[] = [node.disarmed, node.agent?.local.disarmed ?? []];
  for (const job of node.jobs) if (job.name === "rearm") places.push(job.notes);
  for (const answer of node.answers) if ("hello" in answer) places.push(answer.hello.echo);
  const combinations = new Set<number>();
  for (const note of new Set(places.flat())) {
    combinations.add(places.reduce((bits, notes, at) => (notes.includes(note) ? bits | (1 << at) : bits), 0));
  }
  c.put(combinations.size);
  for (const bits of [...combinations].sort((a, b) => a - b)) c.put(bits);
}

function putNode(c: Canon, w: SimWorld, side: Side, setup: Setup): void {
  const node = w.nodes[side];
  const other = w.nodes[opposite(side)];
  c.put(
    (node.up ? 1 : 0) |
      (node.agent !== null ? 2 : 0) |
      (node.slow ? 4 : 0) |
      (node.pause === "agent" ? 2048 : node.pause === "machine" ? 4096 : 0) |
      (node.cutOff ? 8 : 0) |
      (node.misheard ? 16 : 0) |
      (node.frozen ? 32 : 0) |
      (node.crashedPrimary ? 64 : 0) |
      (node.splitBrain ? 128 : 0) |
      (node.mounted ? 256 : 0) |
      (node.misses ? 512 : 0) |
      (node.tOutdated ? 8192 : 0) |
      (node.doorForced ? 32_768 : 0) |
      (node.current === NEVER_WRITTEN ? 16_384 : 0) |
      // What is older only matters when DRBD compares it with the sibling's current generation.
      (node.history.includes(other.current) ? 1024 : 0),
  );
  c.word(node.door);
  c.word(node.promotion);
  c.word(node.role);
  c.word(node.disk);
  c.word(node.peerDisk);
  c.word(node.peerRole);
  c.word(node.connection);
  c.word(node.sync);
  c.word(node.handler);
  c.word(node.t);
  c.name(node.current);
  c.name(node.left);
  c.name(node.exposed);
  putDisarmed(c, node);
  c.put(node.jobs.length);
  for (const job of node.jobs) putJob(c, job);
  const { agent } = node;
  for (const { id, request } of node.requests) {
    const awaited = (id === agent?.runId && agent.run !== null) || id === agent?.collecting?.id;
    c.put(awaited ? -5 : -6);
    putRequest(c, request);
  }
  for (const answer of node.answers) {
    if ("hello" in answer) {
      // What comes too late is not even looked at.
      if (answer.id !== agent?.exchange) continue;
      c.put(-2);
      putHello(c, answer.hello);
    } else if ("members" in answer) {
      c.put(-5);
      c.flag(answer.members.healthy);
      c.word(answer.members.leader);
      c.flag(agent !== null && answer.id >= agent.gateFrom);
    } else {
      if (answer.id !== agent?.witnessPoll) continue;
      c.put(-3);
      putAnswer(c, answer.witness);
    }
  }
  c.put(-4);
  if (agent === null) putNotes(c, node.notes, node.up ? `n${side + 1}-${node.boot}` : null);
  else putAgent(c, w, side, agent, setup);
}

/** Terms matter by their order only. */
function putEtcd(c: Canon, w: SimWorld): void {
  const { term, tTerm, leads, clock } = w.etcd;
  const all = [...term, ...tTerm, leads.E1, leads.E2, leads.T1, leads.T2];
  const order = [...new Set([0, ...all])].sort((a, b) => a - b);
  for (const value of all) c.put(order.indexOf(value));
  c.flag(clock);
}

function putWitness(c: Canon, w: SimWorld): void {
  const { witness } = w;
  for (const stray of witness.stray) {
    c.word(stray.node);
    putRequest(c, stray.request);
  }
  c.put((w.backend ? 1 : 0) | (w.frontend ? 2 : 0) | (w.session ? 4 : 0) | (witness.up ? 8 : 0));
  c.name(witness.incarnation);
  // Nobody can ask for a claim of a generation that no node remembers.
  const folders: number[] = [];
  for (const folder of witness.staging) {
    const gen = folder.slice(3, folder.lastIndexOf("."));
    if (c.knows(gen)) folders.push(folderNumber(c, gen, folder) * 8 + (folder.startsWith("n1") ? 0 : 1));
  }
  for (const [folder, claim] of Object.entries(witness.claims)) {
    const gen = folder.slice(0, folder.lastIndexOf("."));
    if (!c.knows(gen)) continue;
    folders.push(folderNumber(c, gen, folder) * 8 + 2 + (claim.owner === "n1" ? 0 : 1) + (claim.released ? 2 : 0));
  }
  folders.sort((a, b) => a - b);
  c.put(folders.length);
  for (const folder of folders) c.put(folder);
}

const folderNumber = (c: Canon, gen: string, folder: string): number =>
  c.number(gen) * 64 + Number(folder.slice(folder.lastIndexOf(".") + 1));
