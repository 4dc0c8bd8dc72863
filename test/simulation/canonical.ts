import type { State } from "../../components/arbiter/agent/core.ts";
import { siblingBehind } from "../../components/arbiter/agent/state.ts";
import { TIMERS } from "../../components/arbiter/agent/timers.ts";
import type {
  ClaimKey,
  Hello,
  Job,
  Local,
  Notes,
  TimerName,
  WitnessAnswer,
  WitnessRequest,
} from "../../components/arbiter/agent/world.ts";
import type { Setup } from "./agent.ts";
import { NEVER_WRITTEN } from "./drbd.ts";
import { opposite, SIDES, type Side, type SimNode, type SimWorld } from "./world.ts";

/**
 * What of a world can still change the course of things, as numbers. Two worlds with the same numbers behave alike: fresh
 * names are numbered by appearance, and what nobody will ever read again is left out. Each thing left out says why; the
 * test "worlds that count as one behave alike" looks for pairs that do not.
 */
class Canon {
  // Two hashes of 32 bits, by different constants, of the same numbers.
  #high = 0x5bd1e995;
  #low = 0x41c6ce57;
  readonly #names: string[] = [];

  put(value: number): void {
    const high = Math.imul(this.#high ^ value, 0x9e3779b1);
    this.#high = high ^ (high >>> 15);
    const low = Math.imul(this.#low + value, 0x85ebca77);
    this.#low = low ^ (low >>> 13);
  }

  flag(value: boolean): void {
    this.put(value ? 1 : 0);
  }

  word(value: string | null): void {
    this.put(value === null ? 0 : wordNumber(value));
  }

  /** A generation, token or disarm note: only which ones are equal counts. */
  name(value: string | null): void {
    this.put(value === null ? 0 : this.number(value));
  }

  number(name: string): number {
    const at = this.#names.indexOf(name);
    return at < 0 ? this.#names.push(name) : at + 1;
  }

  key64(): Key {
    let high = this.#high;
    let low = this.#low;
    high = Math.imul(high ^ (high >>> 16), 0x7feb352d) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae3d);
    low = Math.imul(low ^ (low >>> 16), 0x846ca68b) ^ Math.imul(high ^ (high >>> 13), 0x27d4eb2f);
    return { high: high | 0, low: low | 0 };
  }

  knows(name: string): boolean {
    return this.#names.includes(name);
  }

  names(values: readonly string[]): void {
    this.put(values.length);
    for (const value of values) this.name(value);
  }

  key(key: ClaimKey | null): void {
    if (key === null) {
      this.put(-1);
      return;
    }
    this.put(key.k);
    this.name(key.gen);
    this.name(key.incarnation);
  }

  keys(keys: readonly ClaimKey[]): void {
    this.put(keys.length);
    for (const key of keys) this.key(key);
  }
}

const words = new Map<string, number>();

/** The same in every process that shares a table of states. */
function wordNumber(word: string): number {
  let number = words.get(word);
  if (number === undefined) {
    number = 0;
    for (let i = 0; i < word.length; i += 1) number = (Math.imul(number, 31) + word.charCodeAt(i)) | 0;
    words.set(word, number);
  }
  return number;
}

/** The agent's reading; mostly it is what its node shows now. */
function putLocal(c: Canon, local: Local, node: SimNode): void {
  const { volume, door, mounted, t, tOutdated } = local;
  if (isUpToDate(local, node)) {
    c.put(-8);
    return;
  }
  c.word(volume.role);
  c.word(volume.disk);
  c.word(volume.peerDisk);
  c.word(volume.peerRole);
  c.word(volume.connection);
  c.word(volume.sync);
  c.flag(volume.frozen);
  c.name(volume.gen);
  c.name(volume.left);
  c.flag(volume.splitBrain);
  c.word(door);
  c.flag(mounted);
  c.flag(tOutdated);
  c.word(t);
}

function isUpToDate({ volume, door, mounted, t, tOutdated }: Local, node: SimNode): boolean {
  return (
    volume.role === node.role &&
    volume.disk === node.disk &&
    volume.peerDisk === node.peerDisk &&
    volume.peerRole === node.peerRole &&
    volume.connection === node.connection &&
    volume.sync === node.sync &&
    volume.frozen === node.frozen &&
    volume.gen === node.current &&
    volume.left === node.left &&
    volume.splitBrain === node.splitBrain &&
    door === node.door &&
    mounted === node.mounted &&
    t === node.t &&
    tOutdated === node.tOutdated
  );
}

function putNotes(c: Canon, notes: Notes, boot: string | null): void {
  c.name(notes.adopted);
  c.name(notes.nothingBut);
  c.keys(notes.intents);
  c.keys(notes.won);
  c.keys(notes.releasing);
  c.flag(boot !== null && notes.connectedIn === boot);
  c.flag(boot !== null && notes.doorOpened === boot);
  c.flag(notes.diskFailed);
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
  c.flag(hello.frozen);
  c.flag(hello.fresh);
  c.flag(hello.disarmed.length === 0);
  c.flag(hello.members?.healthy === true);
  c.word(hello.members?.leader ?? null);
}

/** May this timer, elapsed or still running, never again matter to what the agent does while it is wanted? */
function idle(state: State, name: TimerName, setup: Setup): boolean {
  const { volume } = state.local;
  switch (name) {
    case "readHoldOff":
      // Only the start gate reads it, which is passed; without members the gate is always open.
      return !setup.members || state.gatePassed;
    case "waitOffset":
      // Node one waits for nothing.
      return state.settings.index === 0;
    case "pollMembers":
      return !setup.members;
    case "deserted":
      // Read for a copy that is ahead of its sibling, which a Secondary that stands alone does not become.
      return volume.connection === "StandAlone" && !(volume.disk === "UpToDate" && siblingBehind(volume));
    default:
      return false;
  }
}

/**
 * Of the answer that is kept only the table's conditions read anything: the start gate while alone, hand-over and
 * move-leader while connected. Losing the connection, or finding it, drops the answer.
 */
function putSibling(c: Canon, w: SimWorld, side: Side, state: State, setup: Setup): void {
  const { sibling } = state;
  const { connection, role } = state.local.volume;
  if (connection !== "Connected") {
    // A Secondary's is dropped when it begins to take the volume.
    const gate = setup.members && !state.gatePassed && (role === "Primary" || state.job?.name === "takeVolume");
    c.flag(gate && sibling?.t === "dead");
    return;
  }
  c.flag(setup.members && sibling !== null && sibling.disarmed.length === 0 && sibling.members?.healthy === true);
  // Node one only stops T when its settings have changed.
  const mayStop = side === 1 || w.faults > 0 || state.local.tOutdated || w.nodes[side].tOutdated;
  c.flag(
    mayStop &&
      sibling?.connection === "Connected" &&
      sibling.role === "Secondary" &&
      sibling.disk === "UpToDate" &&
      sibling.peerDisk === "UpToDate" &&
      sibling.disarmed.length === 0 &&
      sibling.members?.healthy === true,
  );
}

function putAgent(c: Canon, w: SimWorld, side: Side, state: State, setup: Setup): void {
  const node = w.nodes[side];
  putLocal(c, state.local, node);
  putNotes(c, state.notes, state.bootId);
  c.word(state.heard === null ? null : String(state.heard));
  if (setup.members) {
    c.word(state.members?.leader ?? null);
    c.flag(state.membersId >= state.gateFrom);
    c.flag(state.gatePassed);
    c.flag(state.gateAfterBoot);
  }
  c.word(state.run?.purpose ?? null);
  if (state.run !== null) {
    c.word(state.run.step);
    c.flag(state.run.restaged);
    c.key(state.run.key);
  }
  const now = (gen: string) => gen === state.local.volume.gen || gen === node.current;
  // A generation never returns, and what is known of the current one only is compared with the current one.
  c.key(state.firstOpen !== null && state.firstOpen.k > 0 && now(state.firstOpen.gen) ? state.firstOpen : null);
  c.name(state.undecided !== null && now(state.undecided) ? state.undecided : null);
  c.key(state.staged);
  c.flag(state.collecting !== null);
  c.flag(state.witnessHeld);
  c.name(state.lost);
  c.flag(state.condemned);
  c.put(state.asks.length * 8 + state.promotions.length);
  c.name(state.shows);
  c.flag(state.witnessPoll !== null);
  c.name(state.mayAdopt);
  c.flag(state.exchange !== null);
  putSibling(c, w, side, state, setup);
  c.flag(state.meeting);
  c.word(state.job?.name ?? null);
  c.word(state.held?.job ?? null);
  let timers = 0;
  for (const name of state.running) if (!idle(state, name, setup)) timers |= bit(name);
  c.put(timers);
  timers = 0;
  for (const name of state.fired) if (!idle(state, name, setup)) timers |= bit(name);
  c.put(timers);
}

const bits = new Map(TIMERS.map(({ name }, index) => [name, 1 << index]));
const bit = (name: TimerName): number => bits.get(name) ?? 0;

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
    if (!awaited && READS.has(request.verb)) continue;
    c.put(awaited ? -5 : -6);
    putRequest(c, request);
  }
  for (const answer of node.answers) {
    if ("hello" in answer) {
      if (answer.id !== agent?.exchange) continue;
      c.put(-2);
      putHello(c, answer.hello);
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

/** 64 bits of a world, as two halves, with what is left to break. */
export interface Key {
  high: number;
  low: number;
}

export const sameKey = (a: Key, b: Key): boolean => a.high === b.high && a.low === b.low;

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

function putWitness(c: Canon, w: SimWorld): void {
  const { witness } = w;
  for (const stray of witness.stray) {
    if (READS.has(stray.request.verb)) continue;
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

/** Requests that change nothing at the witness: without one who waits for the answer they are nothing. */
const READS: ReadonlySet<WitnessRequest["verb"]> = new Set(["incarnation", "owner", "released"]);
