import { EMPTY_NOTES } from "../../components/arbiter/agent/world.ts";
import type { Setup } from "./agent.ts";
import { keyOf } from "./canonical.ts";
import { type Due, upcoming } from "./clock.ts";
import { NEVER_WRITTEN } from "./drbd.ts";
import { after, free, type Move, moves } from "./moves.ts";
import { copy, SIDES, type Side, type SimNode, type SimWorld } from "./world.ts";

export interface FairRun {
  world: SimWorld;
  reached: boolean;
  trace: string[];
}

/**
 * Lets a world run as one would see it: what is ready happens at once, timers at their time, nothing fails.
 * @param allowed false for moves that must not happen, such as a boot
 */
export function runFairly(
  from: SimWorld,
  setup: Setup,
  goal: (w: SimWorld) => boolean,
  allowed: (move: Move) => boolean = () => true,
  limitMs = 120_000,
): FairRun {
  let world = copy(from);
  let now = 0;
  let due: Due = new Map();
  const trace: string[] = [];
  for (let steps = 0; steps < 4000 && now <= limitMs; steps += 1) {
    if (goal(world)) return { world, reached: true, trace };
    const ready = moves(world, setup).filter((move) => free(move) && allowed(move));
    const next = upcoming(world, ready, due, setup, keyOf(world, setup));
    if (next === null) break;
    now += next.ms;
    world = next.world;
    due = next.due;
    trace.push(`${now} ms: ${next.move.label}${next.note === undefined ? "" : ` (${next.note})`}`);
  }
  return { world, reached: goal(world), trace };
}

function newNode(): SimNode {
  return {
    up: true,
    boot: 1,
    agent: null,
    slow: false,
    pause: "none",
    cutOff: false,
    misheard: false,
    notes: EMPTY_NOTES,
    disarmed: [],
    role: "Secondary",
    disk: "Consistent",
    peerDisk: "Unknown",
    peerRole: "Unknown",
    connection: "StandAlone",
    sync: "none",
    frozen: false,
    current: "gen#1",
    left: null,
    history: [],
    exposed: null,
    crashedPrimary: false,
    splitBrain: false,
    handler: "none",
    promotion: "none",
    door: "closed",
    doorForced: false,
    mounted: false,
    t: "dead",
    tOutdated: false,
    misses: false,
    jobs: [],
    requests: [],
    answers: [],
  };
}

/** The site with a blank machine in this node's place, still off; its agent knows nothing, and its copy holds nothing. */
export function withBlankMachine(w: SimWorld, side: Side): SimWorld {
  const next = copy(w);
  const { boot } = w.nodes[side];
  next.nodes[side] = { ...newNode(), up: false, boot, disk: "Inconsistent", current: NEVER_WRITTEN, misses: true };
  next.etcd.tTerm = side === 0 ? [0, w.etcd.tTerm[1]] : [w.etcd.tTerm[0], 0];
  return next;
}

/** Both machines booted after the volume was created, nothing connected, no incarnation adopted. */
export function newSite(): SimWorld {
  return {
    nodes: [newNode(), newNode()],
    backend: true,
    frontend: true,
    session: false,
    witness: { up: true, incarnation: "tree#2", staging: [], claims: {}, stray: [] },
    etcd: { term: [1, 1], tTerm: [1, 1], leads: { E1: 0, E2: 0, T1: 0, T2: 0 }, clock: false },
    faults: 0,
    late: 0,
    fresh: 10,
  };
}

/** Rule 1: together, both armed, T on node one, leader where it belongs, incarnation adopted, next claim staged. */
export function protectedSite(w: SimWorld, setup: Setup): boolean {
  const [one, two] = w.nodes;
  const leader = setup.leader === "opposite" ? "E2" : "E1";
  const ready = SIDES.every((side) => {
    const { agent, connection, disk, disarmed, sync, notes, up, peerDisk, door } = w.nodes[side];
    return (
      up &&
      agent !== null &&
      connection === "Connected" &&
      disk === "UpToDate" &&
      peerDisk === "UpToDate" &&
      sync === "none" &&
      door === "open" &&
      disarmed.length === 0 &&
      notes.adopted === w.witness.incarnation &&
      notes.intents.length === 0 &&
      notes.waived === null &&
      notes.waiver === null &&
      agent.staged?.gen === w.nodes[side].current
    );
  });
  return (
    ready &&
    w.session &&
    one.t === "running" &&
    one.mounted &&
    two.t === "dead" &&
    (!setup.members || w.etcd.leads[leader] > 0)
  );
}

/** Everything is switched on again; nothing more goes wrong. */
export function healed(w: SimWorld): SimWorld {
  const next = copy(w);
  next.backend = true;
  next.frontend = true;
  next.witness.up = true;
  for (const node of next.nodes) node.cutOff = false;
  next.faults = 0;
  next.late = 0;
  return next;
}

export function siteAtRest(setup: Setup): SimWorld {
  const run = runFairly(newSite(), setup, (w) => protectedSite(w, setup));
  if (!run.reached) throw new Error(`a new site does not come to rest:\n${run.trace.join("\n")}`);
  // A little longer, until every agent has heard of the last change.
  return runFairly(
    run.world,
    setup,
    () => false,
    () => true,
    8000,
  ).world;
}

/** A schedule asks for a move that does not become possible. */
export class Impossible extends Error {
  override name = "Impossible";
}

/**
 * Lets the world run by itself until each of these moves is possible in turn, and makes it.
 * @param labels parts of the moves' labels, see moves.ts; a label that never becomes possible is an error
 */
export function play(from: SimWorld, setup: Setup, labels: readonly string[]): SimWorld {
  let world: SimWorld = { ...from, faults: 9, late: 9 };
  for (const label of labels) {
    const find = (w: SimWorld) => moves(w, setup).find((move) => move.label.includes(label));
    const run = runFairly(world, setup, (w) => find(w) !== undefined, undefined, 60_000);
    const move = find(run.world);
    if (move === undefined) throw new Impossible(`"${label}" does not become possible:\n${run.trace.join("\n")}`);
    world = after(run.world, move, setup).world;
  }
  return world;
}
