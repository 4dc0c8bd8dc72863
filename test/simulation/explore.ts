import { nodeName, type Setup } from "./agent.ts";
import { sameKey } from "./canon.ts";
import { keyOf } from "./canonical.ts";
import { mainFault } from "./faults.ts";
import { after, free, type Move, moves, type Pace } from "./moves.ts";
import { type Known, nothingKnown, Progress } from "./progress.ts";
import { Seen } from "./seen.ts";
import { SIDES, type SimWorld, Violation } from "./world.ts";

export interface Bounds {
  /** Things that break, at any moment. */
  faults: number;
  /** Messages lost, late or carried out late; agents slow to see; with `paced`, things that overtake quicker ones. */
  late: number;
  /**
   * `any`: whatever can happen may happen next. `paced`: what happens at once, soon or later keeps this order among
   * itself, and everything of one pace comes in every order.
   */
  order: "any" | "paced";
  /** `main`: power, links, pauses of a machine, the witness away or new. */
  kinds: "main" | "all";
  /** From every state, once all is mended, the site must be protected again and survive the next single failure. */
  progress: boolean;
  ms: number;
}

export interface Exploration {
  states: number;
  transitions: number;
  /** Moves of the longest schedule. */
  depth: number;
  ms: number;
  /** False when a limit was met first. */
  complete: boolean;
  violation: { what: string; trace: string[] } | null;
}

/** Threads that explore the same thing share what they have seen, and begin at different places. */
export interface Share {
  seen: Seen;
  known: Known;
  worker: number;
  workers: number;
}

const LATER: readonly Pace[] = ["soon", "later", "after seconds", "mended"];

class TimeIsUp extends Error {}

/** What led from one fault or late message to a state, so that a trace needs no memory of its own. */
interface Leg {
  parents: number[];
  labels: string[];
}

/** A state whose faults are still to be tried. */
interface Open {
  world: SimWorld;
  trace: () => string[];
  depth: number;
}

/**
 * Every schedule within the bounds. States that follow from one another without a fault are searched breadth first; each
 * fault or late message begins such a search of its own, at once, so that only few worlds are in memory at any time.
 */
export function explore(start: SimWorld, setup: Setup, bounds: Bounds, share?: Share): Exploration {
  const search = new Search(setup, bounds, share ?? alone(ALONE));
  let violation: Exploration["violation"] = null;
  let complete = true;
  try {
    search.run({ ...start, faults: bounds.faults, late: bounds.late });
  } catch (problem) {
    if (problem instanceof Found) violation = { what: problem.message, trace: problem.trace };
    else if (problem instanceof TimeIsUp) complete = false;
    else throw problem;
  }
  return {
    states: search.states,
    transitions: search.transitions,
    depth: search.depth,
    ms: Math.round(performance.now() - search.begun),
    complete,
    violation,
  };
}

/** States that an exploration without threads has room for. */
const ALONE = 2_000_000;
/** States that each thread of several explores for itself, before they share. */
const OWN = 200_000;

export const alone = (states: number): Share => ({
  seen: new Seen(states),
  known: nothingKnown(states),
  worker: 0,
  workers: 1,
});

class Found extends Error {
  readonly trace: string[];
  constructor(what: string, trace: string[]) {
    super(what);
    this.trace = trace;
  }
}

class Search {
  readonly begun = performance.now();
  states = 0;
  transitions = 0;
  depth = 0;
  readonly #setup: Setup;
  readonly #bounds: Bounds;
  readonly #share: Share;
  /** Threads share what follows the first departures; what comes before is little, and each goes through it. */
  readonly #sharedFrom: number;
  readonly #own: Seen;
  readonly #progress: Progress;
  readonly #open: Open[] = [];

  constructor(setup: Setup, bounds: Bounds, share: Share) {
    this.#setup = setup;
    this.#bounds = bounds;
    this.#share = share;
    this.#sharedFrom = share.workers === 1 ? 0 : Math.min(2, bounds.faults + bounds.late);
    this.#own = new Seen(share.workers === 1 ? 1 : OWN);
    this.#progress = new Progress(setup, share.known);
  }

  run(first: SimWorld): void {
    this.#seen(first).add(keyOf(first, this.#setup));
    this.#leg(first, [], 0);
    const { worker, workers } = this.#share;
    const mine = this.#open.filter((_, index) => index % workers === worker);
    const others = this.#open.filter((_, index) => index % workers !== worker);
    for (const open of [...mine, ...others]) this.#pay(open);
  }

  #used(world: SimWorld): number {
    return this.#bounds.faults + this.#bounds.late - world.faults - world.late;
  }

  #seen(world: SimWorld): Seen {
    return this.#used(world) < this.#sharedFrom ? this.#own : this.#share.seen;
  }

  /** Everything that follows from `root`, to which `before` leads. */
  #leg(root: SimWorld, before: readonly string[], depth: number): void {
    const leg: Leg = { parents: [-1], labels: [""] };
    const queue: (SimWorld | null)[] = [root];
    const depths = [depth];
    for (let at = 0; at < queue.length; at += 1) {
      const world = queue[at];
      if (world === null || world === undefined) continue;
      queue[at] = null;
      this.#look();
      const deep = depths[at] ?? 0;
      this.depth = Math.max(this.depth, deep);
      const open: Open = { world, depth: deep, trace: () => [...before, ...labels(leg, at)] };
      if (this.#bounds.progress) this.#comesBack(open);
      this.#freely(open, (label, next) => {
        leg.parents.push(at);
        leg.labels.push(label);
        depths.push(deep + 1);
        queue.push(next);
      });
      if (this.#used(world) + 1 === this.#sharedFrom) this.#open.push(open);
      else this.#pay(open);
    }
  }

  #look(): void {
    this.states += 1;
    if (this.states % 1024 !== 0) return;
    if (this.#share.seen.full || this.#progress.full || performance.now() - this.begun > this.#bounds.ms)
      throw new TimeIsUp();
  }

  #comesBack({ world, trace }: Open): void {
    const problem = watched(trace, () => this.#progress.problem(world));
    if (problem !== null) throw new Found(problem, trace());
  }

  #freely(open: Open, report: (label: string, next: SimWorld) => void): void {
    const { world } = open;
    const now = keyOf(world, this.#setup);
    const attempt = (move: Move): boolean => {
      const next = this.#after(open, move);
      const key = keyOf(next, this.#setup);
      if (sameKey(key, now)) return false;
      if (this.#seen(next).add(key)) report(move.label, next);
      return true;
    };
    const ready = moves(world, this.#setup).filter(free);
    if (this.#bounds.order === "paced") quickest(ready, attempt);
    else for (const move of ready) attempt(move);
  }

  /** Faults, late messages and what overtakes something quicker: each begins a leg. */
  #pay(open: Open): void {
    const { world } = open;
    if (world.faults === 0 && world.late === 0) return;
    const ready = moves(world, this.#setup);
    const now = keyOf(world, this.#setup);
    const start = (move: Move, next: SimWorld): void => {
      if (this.#seen(next).add(keyOf(next, this.#setup))) {
        this.#leg(next, [...open.trace(), move.label], open.depth + 1);
      }
    };
    const wanted = (move: Move) => move.price !== "fault" || this.#bounds.kinds === "all" || mainFault(move);
    for (const move of ready) if (!free(move) && wanted(move)) start(move, this.#after(open, move));
    if (world.late === 0 || this.#bounds.order === "any") return;
    const changes = (move: Move): boolean => !sameKey(keyOf(this.#after(open, move), this.#setup), now);
    const slower = quickest(ready.filter(free), changes);
    for (const move of slower) {
      const next = this.#after(open, move);
      if (sameKey(keyOf(next, this.#setup), now)) continue;
      next.late -= 1;
      start(move, next);
    }
  }

  #after({ world, trace }: Open, move: Move): SimWorld {
    this.transitions += 1;
    return watched(
      () => [...trace(), move.label],
      () => after(world, move, this.#setup).world,
    );
  }
}

/** A violation becomes one with the schedule that led to it. */
function watched<T>(trace: () => string[], attempt: () => T): T {
  try {
    return attempt();
  } catch (problem) {
    if (problem instanceof Violation) throw new Found(problem.message, trace());
    throw problem;
  }
}

/**
 * Tries the moves of the quickest pace that changes anything. What happens at once on one node touches nothing of the
 * other, so that either comes first with the same end.
 * @returns the moves that come later by themselves
 */
function quickest(ready: readonly Move[], attempt: (move: Move) => boolean): Move[] {
  const groups: Move[][] = SIDES.map((side) =>
    ready.filter((move) => move.price === "at once" && move.label.startsWith(nodeName(side))),
  );
  for (const pace of LATER) groups.push(ready.filter((move) => move.price === pace));
  for (const [index, group] of groups.entries()) {
    let any = false;
    for (const move of group) any = attempt(move) || any;
    if (any) return groups.slice(Math.max(index + 1, SIDES.length)).flat();
  }
  return [];
}

function labels(leg: Leg, index: number): string[] {
  const steps: string[] = [];
  for (let at = index; at > 0; at = leg.parents[at] ?? 0) steps.unshift(leg.labels[at] ?? "");
  return steps;
}
