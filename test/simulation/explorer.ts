import { parentPort, workerData } from "node:worker_threads";
import { type Bounds, explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { siteAtRest } from "./schedule.ts";
import { Seen } from "./seen.ts";
import { setupNamed } from "./setups.ts";

/** What one thread is asked to do. */
export type Order =
  | { kind: "explore"; setup: string; bounds: Bounds; worker: number; workers: number; buffers: SharedArrayBuffer[] }
  | { kind: "draw"; setup: string; schedules: number; steps: number; seed: number };

const order = workerData as Order;
const setup = setupNamed(order.setup);
const rest = siteAtRest(setup);
if (order.kind === "draw") parentPort?.postMessage(drawSchedules(rest, setup, order));
else {
  const { bounds, worker, workers, buffers } = order;
  parentPort?.postMessage(explore(rest, setup, bounds, { seen: new Seen(0, buffers), worker, workers }));
}
