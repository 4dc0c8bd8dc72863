import type { Job, Local, TimerName } from "../../components/arbiter/agent/world.ts";
import {
  askPrimary,
  deliver,
  nodeName,
  promotersToolEnds,
  promotionTimesOut,
  type Setup,
  seen,
  startAgent,
} from "./agent.ts";
import {
  boot,
  crash,
  handlerEnded,
  lose,
  mayFinishSource,
  mayFinishTarget,
  mayShakeHands,
  refuseResync,
  shakeHands,
  sourceFinishes,
  targetFinishes,
} from "./drbd.ts";
import { candidates, checkProcesses, checkReads, elect, lonely, spreadTerms, write } from "./etcd.ts";
import { faults } from "./faults.ts";
import { carryOut, promote } from "./jobs.ts";
import { mayBoot, overrides, unheardOf } from "./operator.ts";
import { ONLY_READS, serve } from "./witness.ts";
import { copy, linked, opposite, SIDES, type Side, type SimWorld } from "./world.ts";

/**
 * How soon something happens by itself: at once on a node that is not held up; within milliseconds (an answer, a piece of
 * work); within a second (most timers, a silence noticed, a resync); after seconds (patience that ends); or when what broke
 * is mended.
 */
export type Pace = "at once" | "soon" | "later" | "after seconds" | "mended";

/** One thing that may happen next. A fault, or a message lost or late, is something that a bounded exploration pays for. */
export interface Move {
  label: string;
  price: Pace | "fault" | "late";
  /** A timer's name, for schedules that know time. */
  timer?: { side: Side; name: string };
  /** Changes the world it is given; a text says how it went. */
  apply: (w: SimWorld) => unknown;
}

/** Happens by itself, sooner or later. */
export const free = (move: Move): boolean => move.price !== "fault" && move.price !== "late";

const PATIENCE: ReadonlySet<TimerName> = new Set([
  "bootOffset",
  "readHoldOff",
  "killLimit",
  "orphan",
  "deserted",
  "outdated",
  "witnessAway",
  "connecting",
]);

/** These overtake a piece of work that a frozen volume keeps from ending. */
const URGENT: readonly Job["name"][] = ["killT", "letGo"];

/** Readings are small and flat: compared field by field, since every world asks for it. */
function same(a: Local, b: Local): boolean {
  if (
    a.door !== b.door ||
    a.tOutdated !== b.tOutdated ||
    a.mounted !== b.mounted ||
    a.t !== b.t ||
    a.disarmed.join() !== b.disarmed.join()
  )
    return false;
  return (Object.keys(a.volume) as (keyof Local["volume"])[]).every((key) => a.volume[key] === b.volume[key]);
}

/** Everything that can happen in this world, in a fixed order. */
export function moves(w: SimWorld, setup: Setup): Move[] {
  const found: Move[] = [];
  const add = (price: Move["price"], label: string, apply: Move["apply"]): void => {
    found.push({ label, price, apply });
  };
  for (const side of SIDES) kernelMoves(w, side, setup, add);
  for (const side of SIDES) agentMoves(w, side, setup, add, found);
  sharedMoves(w, setup, add);
  if (w.faults > 0 && !unheardOf(w)) {
    faults(w, setup, add);
    if (setup.operator) overrides(w, setup, add);
  }
  return found;
}

/** Adds a move to those that are possible. */
export type Add = (price: Move["price"], label: string, apply: Move["apply"]) => void;

function kernelMoves(w: SimWorld, side: Side, setup: Setup, add: Add): void {
  const node = w.nodes[side];
  const name = nodeName(side);
  if (!node.up) {
    if (mayBoot(w, side)) add("mended", `${name} boots`, (x) => boot(x, side, setup.twist));
    return;
  }
  if (node.pause !== "none") {
    add("mended", node.pause === "machine" ? `${name} goes on` : `${name}: the agent goes on`, (x) => {
      x.nodes[side].pause = "none";
    });
    if (node.pause === "machine") return;
  }
  if (node.disk === "Diskless") {
    add("mended", `${name}: the operator restarts it, for its disk`, (x) => crash(x, side));
  }
  if (node.connection === "Connected" && !w.session) {
    add("later", `${name}: DRBD notices that the connection is dead`, (x) => lose(x, side, "Connecting", setup.twist));
  }
  if (mayFinishTarget(w, side)) add("later", `${name}: the resync ends on the target`, (x) => targetFinishes(x, side));
  if (mayFinishSource(w, side)) add("later", `${name}: the source hears of the end`, (x) => sourceFinishes(x, side));
  const given = node.promotion === "won" || node.promotion === "lost";
  if (given && !node.jobs.some((job) => job.name === "takeVolume")) {
    add("soon", `${name}: the kernel takes the promotion's "${node.promotion}", its tool has ended`, (x) =>
      promote(x, side, setup),
    );
  }
  if (node.handler === "won" || node.handler === "lost" || node.handler === "undecided") {
    add("at once", `${name}: the kernel takes the handler's "${node.handler}"`, (x) => handlerEnded(x, side));
  }
}

function agentMoves(w: SimWorld, side: Side, setup: Setup, add: Add, found: Move[]): void {
  const node = w.nodes[side];
  const name = nodeName(side);
  if (!node.up || node.pause !== "none") return;
  const { agent } = node;
  if (agent === null) {
    add("later", `${name}: the agent starts`, (x) => startAgent(x, side, setup));
    return;
  }

  if (node.cutOff) {
    add("mended", `${name}: the witness is back`, (x) => {
      x.nodes[side].cutOff = false;
    });
  }
  if (node.misheard) {
    add("later", `${name}: the detector recovers`, (x) => {
      x.nodes[side].misheard = false;
    });
  }
  if (node.slow) {
    add("later", `${name}: the agent sees again`, (x) => {
      x.nodes[side].slow = false;
    });
  } else if (w.late > 0) {
    add("late", `${name}: the agent is slow to see`, (x) => {
      x.nodes[side].slow = true;
    });
  }
  for (const sight of sights(w, side, setup)) add(sight.pace, sight.label, sight.apply);
  if (node.promotion === "asking") {
    add("later", `${name}: the promotion's question runs into its limit`, (x) => promotionTimesOut(x, side, setup));
  }
  const next = node.jobs.find((job) => !URGENT.includes(job.name));
  for (const job of node.jobs.filter((each) => each === next || URGENT.includes(each.name))) {
    // The kernel lets nobody change the connection meanwhile.
    const given = node.promotion === "won" || node.promotion === "lost";
    const promoting = node.promotion === "asking" || (given && job.name !== "takeVolume");
    if (promoting && !URGENT.includes(job.name)) continue;
    const answered = node.promotion === "none" ? "" : `, answered ${node.promotion}`;
    add("soon", `${name}: ${job.name}${answered}`, (x) => finishJob(x, side, job, setup));
    if (w.faults > 0 && !URGENT.includes(job.name)) {
      add("fault", `${name}: ${job.name} fails`, (x) => failJob(x, side, job, setup));
    }
  }
  for (const { id, request } of node.requests) {
    const text =
      request.verb === "incarnation" || request.verb === "collect"
        ? request.verb
        : `${request.verb} of ${request.key.gen}.${request.key.k}`;
    const take = (x: SimWorld) => {
      x.nodes[side].requests = x.nodes[side].requests.filter((each) => each.id !== id);
    };
    const reached = w.witness.up && !node.cutOff;
    if (reached) {
      add("soon", `${name}: the witness answers the ${text}`, (x) => {
        take(x);
        const answer = serve(x, name, request, setup.twist);
        deliver(x, side, { kind: "witness", id, answer }, setup);
        return answer === "silence" ? "silence" : String(answer.status);
      });
    }
    const price = reached ? "late" : "soon";
    if (price === "soon" || w.late > 0) {
      add(price, `${name}: no answer to the ${text}`, (x) => {
        take(x);
        deliver(x, side, { kind: "witness", id, answer: "silence" }, setup);
      });
    }
    if (w.late > 0 && !ONLY_READS.has(request.verb)) {
      add("late", `${name}: the ${text} is carried out, its answer is lost`, (x) => {
        take(x);
        serve(x, name, request, setup.twist);
        deliver(x, side, { kind: "witness", id, answer: "silence" }, setup);
      });
      add("late", `${name}: the ${text} is given up and still under way`, (x) => {
        take(x);
        x.witness.stray = [...x.witness.stray, { node: name, request }];
        deliver(x, side, { kind: "witness", id, answer: "silence" }, setup);
      });
    }
  }
  for (const answer of node.answers) {
    add("later", `${name}: a late answer arrives`, (x) => {
      x.nodes[side].answers = x.nodes[side].answers.filter((each) => each !== answer);
      if ("hello" in answer) {
        deliver(x, side, { kind: "answer", id: answer.id, hello: answer.hello, local: seen(x, side, setup) }, setup);
      } else if ("members" in answer) {
        deliver(x, side, { kind: "members", id: answer.id, members: answer.members }, setup);
      } else deliver(x, side, { kind: "witness", id: answer.id, answer: answer.witness }, setup);
    });
  }
  for (const timer of [...agent.running].sort()) {
    if (timer === "pollMembers" && !setup.members && agent.members !== null) continue;
    const fire = (late: boolean) => (x: SimWorld) => {
      if (timer === "readHoldOff" && !agent.gatePassed) x.etcd.clock = true;
      deliver(x, side, { kind: "timer", name: timer }, setup, late);
    };
    found.push({
      label: `${name}: timer ${timer}`,
      price: PATIENCE.has(timer) ? "after seconds" : "later",
      timer: { side, name: timer },
      apply: fire(false),
    });
    if (w.late > 0 && (timer === "greet" || timer === "pollWitness" || timer === "pollMembers")) {
      add("late", `${name}: timer ${timer}, the answer comes late`, fire(true));
    }
  }
}

interface Sight {
  pace: Pace;
  label: string;
  apply: (w: SimWorld) => void;
}

/** What an agent could notice now: its node changed, the sibling fell silent or came back, the handler has a question. */
function sights(w: SimWorld, side: Side, setup: Setup): Sight[] {
  const node = w.nodes[side];
  const { agent } = node;
  const name = nodeName(side);
  if (agent === null || node.slow) return [];
  const found: Sight[] = [];
  if (!same(agent.local, seen(w, side, setup))) {
    found.push({
      pace: "at once",
      label: `${name}: the agent reads its node`,
      apply: (x) => void deliver(x, side, { kind: "local", local: seen(x, side, setup) }, setup),
    });
  }
  const heard = linked(w);
  if (agent.heard !== heard && !node.misheard) {
    found.push({
      pace: "later",
      label: `${name}: the sibling is ${heard ? "heard" : "silent"}`,
      apply: (x) => void deliver(x, side, { kind: "link", heard }, setup),
    });
  }
  if (node.handler === "waiting") {
    found.push({ pace: "at once", label: `${name}: the handler asks`, apply: (x) => askPrimary(x, side, setup) });
  }
  return found;
}

/** The piece of work ends, and the agent reads its node. */
function finishJob(w: SimWorld, side: Side, job: Job, setup: Setup): string | undefined {
  const outcome = carryOut(w, side, job, setup);
  if (outcome === null) return "the handler's question waits for the claim";
  const { ok, why } = outcome;
  w.nodes[side].jobs = w.nodes[side].jobs.filter((each) => each !== job);
  if (w.nodes[side].agent === null) return;
  deliver(w, side, { kind: "done", job: job.name, ok, why, local: seen(w, side, setup) }, setup);
  return ok ? undefined : why;
}

function failJob(w: SimWorld, side: Side, job: Job, setup: Setup): undefined {
  w.nodes[side].jobs = w.nodes[side].jobs.filter((each) => each !== job);
  if (job.name === "openDoor" || job.name === "closeDoor") w.nodes[side].door = "half";
  if (job.name === "takeVolume") promotersToolEnds(w.nodes[side]);
  deliver(w, side, { kind: "done", job: job.name, ok: false, why: "a fault", local: seen(w, side, setup) }, setup);
}

function sharedMoves(w: SimWorld, setup: Setup, add: Add): void {
  if (mayShakeHands(w)) {
    add("soon", "DRBD's ends find each other", (x) => shakeHands(x, setup.twist));
    if (w.faults > 0) add("fault", "DRBD's ends find each other, no disarm note can be written", refuseResync);
  }
  for (const stray of w.witness.up ? w.witness.stray : []) {
    add("later", `a stray ${stray.request.verb} of ${stray.node} reaches the witness`, (x) => {
      x.witness.stray = x.witness.stray.filter((each) => each !== stray);
      serve(x, stray.node, stray.request, setup.twist);
    });
  }
  if (setup.members) memberMoves(w, setup, add);
  if (!w.backend)
    add("mended", "the backend carries again", (x) => {
      x.backend = true;
    });
  if (!w.frontend)
    add("mended", "the frontend carries again", (x) => {
      x.frontend = true;
    });
  if (!w.witness.up)
    add("mended", "the witness is back", (x) => {
      x.witness.up = true;
    });
}

function memberMoves(w: SimWorld, setup: Setup, add: Add): void {
  for (const { member, voter } of candidates(w, setup.twist)) {
    add("later", `${member} is elected by ${voter}`, (x) => elect(x, member, voter, setup.twist));
  }
  for (const member of lonely(w, setup.twist)) {
    add("later", `${member} steps down`, (x) => {
      x.etcd.leads[member] = 0;
    });
  }
}

/** The world after this move: what follows at once has followed, and what must never happen has been checked. */
export function after(w: SimWorld, move: Move, setup: Setup): { world: SimWorld; note: string | undefined } {
  const next = copy(w);
  if (move.price === "fault") next.faults -= 1;
  if (move.price === "late") next.late -= 1;
  const said = move.apply(next);
  settle(next, setup);
  return { world: next, note: typeof said === "string" ? said : undefined };
}

export function settle(w: SimWorld, setup: Setup): void {
  if (w.session) for (const side of SIDES) w.nodes[side].peerRole = w.nodes[opposite(side)].role;
  write(w);
  checkProcesses(w, setup.twist);
  if (!setup.members) return;
  spreadTerms(w, setup.twist);
  checkReads(w, setup.twist);
  if (w.session && w.nodes.every((node) => node.connection === "Connected" && !node.frozen)) w.etcd.clock = false;
}
