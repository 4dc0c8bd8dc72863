import { parentPort, workerData } from "node:worker_threads";
import { type Bounds, explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { siteAtRest } from "./schedule.ts";
import { Seen } from "./seen.ts";
import { setupNamed } from "./setups.ts";
import { startNamed } from "./starts.ts";

/** What one thread is asked to do. */
export type Order =
  | {
      kind: "explore";
      setup: string;
      after: string | null;
      bounds: Bounds;
      worker: number;
      workers: number;
      shared: Shared;
    }
  | { kind: "draw"; setup: string; schedules: number; steps: number; seed: number };

/** The memory of the sets that all threads share. */
export interface Shared {
  seen: readonly SharedArrayBuffer[];
  good: readonly SharedArrayBuffer[];
  sound: readonly SharedArrayBuffer[];
}

const order = workerData as Order;
const setup = setupNamed(order.setup);
if (order.kind === "draw") parentPort?.postMessage(drawSchedules(siteAtRest(setup), setup, order));
else {
  const { bounds, worker, workers, shared } = order;
  const known = { good: new Seen(0, shared.good), sound: new Seen(0, shared.sound) };
  const start = startNamed(setup, order.after);
  parentPort?.postMessage(explore(start, setup, bounds, { seen: new Seen(0, shared.seen), known, worker, workers }));
}
