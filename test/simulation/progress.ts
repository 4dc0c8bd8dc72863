import type { Setup } from "./agent.ts";
import type { Key } from "./canon.ts";
import { keyOf } from "./canonical.ts";
import { type Due, upcoming } from "./clock.ts";
import { free, moves } from "./moves.ts";
import { healed, protectedSite } from "./schedule.ts";
import { Seen } from "./seen.ts";
import { last, SINGLE_FAULTS, survives } from "./site.ts";
import { type SimWorld, Violation } from "./world.ts";

/** A mended site that is not protected by then counts as one that does not come back. */
const LIMIT_MS = 120_000;

/** What is known of mended worlds; threads may share it. */
export interface Known {
  /** Rule 1 has been reached from these. */
  good: Seen;
  /** Protected sites that have survived every single failure. */
  sound: Seen;
}

export const nothingKnown = (room: number): Known => ({ good: new Seen(room), sound: new Seen(room / 4) });

/**
 * Progress from many worlds: each is mended and follows its natural course until it is protected, or until it meets a
 * world from which that has been reached already. Every protected site met on the way must survive the next failure.
 */
export class Progress {
  readonly #setup: Setup;
  readonly #known: Known;

  constructor(setup: Setup, known: Known) {
    this.#setup = setup;
    this.#known = known;
  }

  get full(): boolean {
    return this.#known.good.full || this.#known.sound.full;
  }

  /** @returns null when all is well, else what is not; throws the Violation that happens on the way */
  problem(w: SimWorld): string | null {
    let world = healed(w);
    let now = 0;
    let due: Due = new Map();
    const passed: Key[] = [];
    const trace: string[] = [];
    while (now <= LIMIT_MS) {
      const key = keyOf(world, this.#setup);
      if (this.#known.good.has(key)) return this.#reached(passed);
      passed.push(key);
      if (protectedSite(world, this.#setup)) return this.#survives(world, key) ?? this.#reached(passed);
      const next = upcoming(world, moves(world, this.#setup).filter(free), due, this.#setup, key);
      if (next === null) break;
      now += next.ms;
      world = next.world;
      due = next.due;
      trace.push(`${now} ms: ${next.move.label}${next.note === undefined ? "" : ` (${next.note})`}`);
    }
    return `the site does not come back:\n${last(trace)}`;
  }

  /** Anything is wrong from here on: no way back, no way through the next failure, or a violation on the way. */
  fails(w: SimWorld): boolean {
    try {
      return this.problem(w) !== null;
    } catch (problem) {
      if (problem instanceof Violation) return true;
      throw problem;
    }
  }

  #reached(passed: readonly Key[]): null {
    for (const key of passed) this.#known.good.add(key);
    return null;
  }

  #survives(w: SimWorld, key: Key): string | null {
    if (this.#known.sound.has(key)) return null;
    for (const fault of SINGLE_FAULTS) {
      const problem = survives(w, this.#setup, fault);
      if (problem !== null) return problem;
    }
    this.#known.sound.add(key);
    return null;
  }
}
