import { expect, test } from "vitest";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { keyOf } from "./canonical.ts";
import { after, moves } from "./moves.ts";
import { generator, walk } from "./random.ts";
import { siteAtRest } from "./schedule.ts";
import { type SimWorld, Violation } from "./world.ts";

/** Much more than it takes, for a busy machine. */
const MINUTES = 300_000;

const NAME = /#\d+/g;

const text = (w: SimWorld, setup: Setup): string => {
  const { high, low } = keyOf(w, setup);
  return `${high}/${low}`;
};

/** What can happen next, and what each of it leads to; moves that change nothing say nothing. */
function future(w: SimWorld, setup: Setup): string {
  const now = text(w, setup);
  const found = new Set<string>();
  for (const move of moves(w, setup)) {
    const next = successor(w, move, setup);
    if (next !== now) found.add(`${move.price}: ${move.label.replace(NAME, "")} -> ${next}`);
  }
  return [...found].sort().join("\n");
}

function successor(w: SimWorld, move: ReturnType<typeof moves>[number], setup: Setup): string {
  try {
    return text(after(w, move, setup).world, setup);
  } catch (problem) {
    if (problem instanceof Violation) return problem.message.replace(NAME, "");
    throw problem;
  }
}

/** Compares worlds that differ and have the same key, met on random schedules. @returns how many pairs behaved alike */
function compare(setup: Setup, schedules: number): number {
  const first = new Map<string, { world: string; future: string }>();
  let pairs = 0;
  for (let i = 0; i < schedules; i += 1) {
    const start = { ...siteAtRest(setup), faults: 1 + (i % 5), late: i % 3 };
    walk(start, setup, generator(i), 120, (w) => {
      const key = text(w, setup);
      const world = JSON.stringify(w);
      const known = first.get(key);
      if (known === undefined) first.set(key, { world, future: future(w, setup) });
      else if (known.world !== world) {
        expect(future(w, setup), `${known.world}\nand\n${world}`).toBe(known.future);
        pairs += 1;
      }
    });
  }
  return pairs;
}

test.each([
  ["with members", AS_SHIPPED],
  ["promises", PROMISES],
])(
  "worlds that count as one behave alike: %s",
  (_, setup) => {
    expect(compare(setup, 200)).toBeGreaterThan(1000);
  },
  MINUTES,
);
