import type { Setup } from "./agent.ts";
import { after, type Move, moves } from "./moves.ts";
import { healed, protectedSite, runFairly } from "./schedule.ts";
import { comesBack, SINGLE_FAULTS, survives } from "./site.ts";
import { type SimWorld, Violation } from "./world.ts";

/** Numbers from a seed, the same on every machine (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const RECOVERY = /boots$|carries again$|is back$|recovers$/;

/** What only asks again is drawn rarely, and so is every fault, so that a schedule gets somewhere in between. */
function weight(move: Move): number {
  if (move.price === "fault") return 0.15;
  if (move.price === "late") return 0.3;
  if (RECOVERY.test(move.label)) return 0.4;
  const name = move.timer?.name;
  if (name === "pollMembers" || name === "pollWitness") return 0.5;
  if (name !== undefined) return 1;
  return 3;
}

export interface Walk {
  world: SimWorld;
  trace: string[];
  violation: string | null;
}

/** One random schedule of at most `steps` moves; `visit` sees every world on the way. */
export function walk(
  start: SimWorld,
  setup: Setup,
  random: () => number,
  steps: number,
  visit: (w: SimWorld) => void = () => {},
): Walk {
  let world = start;
  const trace: string[] = [];
  for (let i = 0; i < steps; i += 1) {
    const ready = moves(world, setup);
    const move = draw(ready, random);
    if (move === null) break;
    try {
      world = after(world, move, setup).world;
      trace.push(move.label);
      visit(world);
    } catch (problem) {
      if (!(problem instanceof Violation)) throw problem;
      return { world, trace: [...trace, move.label], violation: problem.message };
    }
  }
  return { world, trace, violation: null };
}

function draw(ready: Move[], random: () => number): Move | null {
  const total = ready.reduce((sum, move) => sum + weight(move), 0);
  let point = random() * total;
  for (const move of ready) {
    point -= weight(move);
    if (point < 0) return move;
  }
  return ready.at(-1) ?? null;
}

export interface Drawn {
  schedules: number;
  steps: number;
  ms: number;
  /** The first schedule that ends badly. */
  problem: { what: string; trace: string[] } | null;
}

/**
 * Random schedules of growing trouble. One in ten is mended afterwards: the site must come back, and then survive the next
 * single failure.
 */
export function drawSchedules(
  rest: SimWorld,
  setup: Setup,
  bounds: { schedules: number; steps: number; seed: number },
): Drawn {
  const begun = performance.now();
  let steps = 0;
  const drawn = (schedules: number, problem: Drawn["problem"]): Drawn => ({
    schedules,
    steps,
    ms: Math.round(performance.now() - begun),
    problem,
  });
  for (let i = 0; i < bounds.schedules; i += 1) {
    const random = generator(bounds.seed * 1_000_003 + i);
    const start = { ...rest, faults: 1 + (i % 8), late: i % 5 };
    const { world, trace, violation } = walk(start, setup, random, bounds.steps);
    steps += trace.length;
    if (violation !== null) return drawn(i + 1, { what: violation, trace });
    // An operator may leave copies that have both gone on.
    if (i % 10 !== 0 || setup.operator) continue;
    const problem = comesBack(world, setup) ?? survivesAny(world, setup);
    if (problem !== null) return drawn(i + 1, { what: problem, trace });
  }
  return drawn(bounds.schedules, null);
}

function survivesAny(w: SimWorld, setup: Setup): string | null {
  const back = runFairly(healed(w), setup, (x) => protectedSite(x, setup)).world;
  for (const fault of SINGLE_FAULTS) {
    const problem = survives(back, setup, fault);
    if (problem !== null) return problem;
  }
  return null;
}
