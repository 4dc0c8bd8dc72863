import type { Setup } from "./agent.ts";
import { hash, text } from "./canonical.ts";
import { type Due, phase, upcoming } from "./clock.ts";
import { after, type Move, moves } from "./moves.ts";
import { type SimWorld, Violation } from "./world.ts";

export interface Bounds {
  /** Things that break, at any moment. */
  faults: number;
  /** Requests and answers that are lost, late, or carried out late, and agents that are slow to see. */
  late: number;
  /** Moves that overtake the one that was due. */
  swaps: number;
  /** Give up after so many states or so long. */
  states: number;
  ms: number;
}

export interface Exploration {
  states: number;
  /** Moves of the longest schedule. */
  depth: number;
  ms: number;
  /** False when a limit was met first. */
  complete: boolean;
  violation: { what: string; trace: string[] } | null;
}

interface Node {
  world: SimWorld;
  due: Due;
  swaps: number;
  index: number;
  depth: number;
}

/**
 * Every schedule that departs from the natural one by at most so many faults, late messages and swaps, at any moment each.
 * Fewer departures are tried first, so a violation comes with a trace that has as few as possible.
 */
export function explore(start: SimWorld, setup: Setup, bounds: Bounds): Exploration {
  const begun = performance.now();
  const first = { ...start, faults: bounds.faults, late: bounds.late };
  const seen = new Set<string>();
  const parents: number[] = [-1];
  const labels: string[] = [""];
  const queues: Node[][] = [[{ world: first, due: new Map(), swaps: bounds.swaps, index: 0, depth: 0 }]];
  let depth = 0;

  const trace = (index: number): string[] => {
    const steps: string[] = [];
    for (let at = index; at > 0; at = parents[at] ?? 0) steps.unshift(labels[at] ?? "");
    return steps;
  };
  const ended = (complete: boolean, violation: Exploration["violation"]): Exploration => ({
    states: seen.size,
    depth,
    ms: Math.round(performance.now() - begun),
    complete,
    violation,
  });
  const said = (move: Move, note: string | undefined): string =>
    `${move.price === "free" ? "" : "!! "}${move.label}${note === undefined ? "" : ` (${note})`}`;

  for (let cost = 0; cost < queues.length; cost += 1) {
    const queue = queues[cost] ?? [];
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (seen.size > bounds.states || performance.now() - begun > bounds.ms) return ended(false, null);
      const { world, due, index, swaps } = node;
      const now = text(world);
      const key = `${hash(now)}.${phase(due)}.${swaps}`;
      if (seen.has(key)) continue;
      seen.add(key);
      depth = Math.max(depth, node.depth);
      const push = (at: number, move: Move, result: ReturnType<typeof after>, rest: Due, left: number, mark = "") => {
        parents.push(index);
        labels.push(mark + said(move, result.note));
        queues[at] ??= [];
        queues[at]?.push({
          ...result,
          due: rest,
          swaps: left,
          index: parents.length - 1,
          depth: (node?.depth ?? 0) + 1,
        });
      };
      const ready = moves(world, setup);
      let tried = "";
      try {
        const next = upcoming(world, ready, due, setup, now, (label) => {
          tried = label;
        });
        if (next !== null) push(cost, next.move, next, next.due, swaps);
        for (const move of ready) {
          if (move.price === "free" && (swaps === 0 || move === next?.move)) continue;
          tried = move.label;
          const result = after(world, move, setup);
          if (move.price === "free" && text(result.world) === now) continue;
          const left = move.price === "free" ? swaps - 1 : swaps;
          push(cost + 1, move, result, due, left, move.price === "free" ? ">> " : "");
        }
      } catch (problem) {
        if (!(problem instanceof Violation)) throw problem;
        return ended(true, { what: problem.message, trace: [...trace(index), tried] });
      }
    }
  }
  return ended(true, null);
}
