import { TIMERS } from "../../components/arbiter/agent/timers.ts";
import type { Setup } from "./agent.ts";
import { type Key, sameKey } from "./canon.ts";
import { keyOf } from "./canonical.ts";
import { after, free, type Move } from "./moves.ts";
import type { SimWorld } from "./world.ts";

/** Questions asked again and again; mostly they change nothing. */
const PERIODIC = new Set(["greet", "pollMembers", "pollWitness"]);

/** How long an election takes here, on node one and on node two, in ms of the schedule. */
const ELECTION_MS = { "1": 1000, "2": 5000 } as const;

/** When each move that is possible would happen by itself, in ms from now. */
export type Due = ReadonlyMap<string, number>;

export interface Next {
  move: Move;
  /** How long the world waited for it. */
  ms: number;
  due: Due;
  world: SimWorld;
  note: string | undefined;
}

/**
 * The move that comes by itself: what is ready happens soon, timers elapse at their time, what broke is mended late. A
 * periodic question that changes nothing is passed over.
 */
export function upcoming(w: SimWorld, ready: readonly Move[], due: Due, setup: Setup, before: Key): Next | null {
  const at = new Map<string, number>();
  for (const move of ready) {
    if (free(move)) at.set(move.label, due.get(move.label) ?? duration(move, w));
  }
  const order = ready.filter(free);
  order.sort((a, b) => (at.get(a.label) ?? 0) - (at.get(b.label) ?? 0));
  for (const move of order) {
    const result = after(w, move, setup);
    if (PERIODIC.has(move.timer?.name ?? "") && sameKey(keyOf(result.world, setup), before)) continue;
    const ms = at.get(move.label) ?? 0;
    at.delete(move.label);
    for (const [label, rest] of at) at.set(label, Math.max(0, rest - ms));
    return { move, ms, due: at, ...result };
  }
  return null;
}

function duration(move: Move, w: SimWorld): number {
  if (move.timer !== undefined) {
    const { side, name } = move.timer;
    const { agent } = w.nodes[side];
    const timer = TIMERS.find((each) => each.name === name);
    return agent === null || timer === undefined ? 0 : timer.ms(agent);
  }
  if (move.label.includes(" is elected by ")) return ELECTION_MS[move.label.charAt(1) as "1" | "2"];
  if (move.label.includes(" steps down")) return 2000;
  if (move.label.includes("the agent reads") || move.label.includes("the handler asks")) return 10;
  if (move.label.includes("silent") || move.label.includes("heard")) return 500;
  if (move.label.includes("notices")) return 1500;
  if (move.label.includes("DRBD's ends find")) return 100;
  if (move.label.includes("resync ends")) return 300;
  if (move.label.endsWith("boots")) return 20_000;
  if (move.label.endsWith("carries again") || move.label.endsWith("is back")) return 30_000;
  if (move.label.endsWith("recovers") || move.label.endsWith("sees again")) return 3000;
  if (move.label.endsWith("goes on") || move.label.endsWith("for its disk")) return 20_000;
  if (move.label.includes("runs into its limit")) return 3000;
  if (move.label.includes("late answer")) return 10_000;
  if (move.label.includes("the agent starts")) return 200;
  return 5;
}
