import { Worker } from "node:worker_threads";
import { alone, type Bounds, type Exploration } from "./explore.ts";
import type { Order } from "./explorer.ts";
import type { Drawn } from "./random.ts";

/** Where an exploration begins: a set-up by name, at rest or in one of the situations of starts.ts. */
export interface From {
  setup: string;
  after: string | null;
}

/** Explores with several threads; the first violation ends all of them. */
export async function exploreWith(threads: number, from: From, bounds: Bounds, room: number): Promise<Exploration> {
  const begun = performance.now();
  const { seen, known } = alone(room);
  const shared = { seen: seen.buffers, good: known.good.buffers, sound: known.sound.buffers };
  const orders = Array.from(
    { length: threads },
    (_, worker): Order => ({
      kind: "explore",
      ...from,
      bounds,
      worker,
      workers: threads,
      shared,
    }),
  );
  const parts = await together<Exploration>(orders, (part) => part.violation !== null);
  return {
    states: seen.size,
    transitions: parts.reduce((sum, part) => sum + part.transitions, 0),
    depth: Math.max(...parts.map((part) => part.depth)),
    ms: Math.round(performance.now() - begun),
    complete: parts.every((part) => part.complete),
    violation: parts.find((part) => part.violation !== null)?.violation ?? null,
  };
}

/** Draws random schedules, split among the threads; each has seeds of its own. */
export async function drawWith(
  threads: number,
  setup: string,
  bounds: { schedules: number; steps: number; seed: number },
): Promise<Drawn> {
  const begun = performance.now();
  const orders = Array.from(
    { length: threads },
    (_, worker): Order => ({
      kind: "draw",
      setup,
      schedules: Math.ceil(bounds.schedules / threads),
      steps: bounds.steps,
      seed: bounds.seed + worker,
    }),
  );
  const parts = await together<Drawn>(orders, (part) => part.problem !== null);
  return {
    schedules: parts.reduce((sum, part) => sum + part.schedules, 0),
    steps: parts.reduce((sum, part) => sum + part.steps, 0),
    ms: Math.round(performance.now() - begun),
    problem: parts.find((part) => part.problem !== null)?.problem ?? null,
  };
}

/** @returns what the threads answered; of those that were ended because `enough` was met, nothing */
async function together<T>(orders: readonly Order[], enough: (part: T) => boolean): Promise<T[]> {
  const workers = orders.map((order) => new Worker(new URL("./explorer.ts", import.meta.url), { workerData: order }));
  const parts: T[] = [];
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on("message", (part: T) => {
            parts.push(part);
            if (enough(part)) for (const each of workers) void each.terminate();
          });
          worker.on("error", reject);
          worker.on("exit", () => resolve());
        }),
    ),
  );
  return parts;
}
