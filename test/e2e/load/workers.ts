import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "./gateway.ts";
import type { Operation } from "./operation.ts";
import { nowNs, registerAtStart } from "./operation.ts";
import type { Store } from "./store.ts";

/** What all workers of a run share. */
export interface Run {
  store: Store;
  writers: readonly string[];
  writesPerSecond: number;
  record: (operation: Operation) => void;
  /** Workers end when it is aborted. */
  end: AbortSignal;
}

export const requestLimitMs = 2000;
const registerIntervalMs = 100;
const readIntervalMs = 50;

/**
 * New keys at a steady rate, without waiting for the one before: after an outage the next acknowledgement comes when the
 * endpoint can give it, not when a client's time-out is over.
 */
export async function write(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  const inFlight = new Set<Promise<void>>();
  const one = async (sequence: number) => {
    const invokeNs = nowNs();
    const { outcome, error } = await run.store.put(gateway, endpoint, sequence, requestLimitMs);
    run.record({ kind: "put", endpoint, sequence, invokeNs, returnNs: nowNs(), outcome, ...(error && { error }) });
  };
  for (let sequence = 1; !run.end.aborted; await sleep(1000 / run.writesPerSecond)) {
    if (!gateway.connected) continue;
    const put = one(sequence++);
    inFlight.add(put);
    void put.then(() => inFlight.delete(put));
  }
  await Promise.all(inFlight);
}

/** The shared register, changed by every endpoint's client from the value that it last saw. */
export async function swap(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  let expected = registerAtStart;
  for (let count = 1; !run.end.aborted; await sleep(registerIntervalMs)) {
    if (!gateway.connected) continue;
    const value = `${endpoint}-${count++}`;
    const invokeNs = nowNs();
    const { outcome, error, found } = await run.store.compareAndSwap(gateway, expected, value, requestLimitMs);
    const times = { endpoint, invokeNs, returnNs: nowNs() };
    if (found !== undefined) {
      run.record({ kind: "read-register", ...times, outcome: "ok", value: found });
      expected = found;
    } else {
      run.record({ kind: "cas", ...times, outcome, expected, value, ...(error && { error }) });
      if (outcome === "ok") expected = value;
    }
  }
}

/** Linearizable reads of every log and the register in turn. */
export async function read(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  for (let turn = 0; !run.end.aborted; await sleep(readIntervalMs)) {
    if (!gateway.connected) continue;
    const writer = run.writers[turn++ % (run.writers.length + 1)];
    const invokeNs = nowNs();
    if (writer === undefined) {
      const { outcome, error, value } = await run.store.readRegister(gateway, requestLimitMs);
      const times = { endpoint, invokeNs, returnNs: nowNs(), outcome, ...(error && { error }) };
      run.record({ kind: "read-register", ...times, value });
    } else {
      const { outcome, error, sequence } = await run.store.newest(gateway, writer, requestLimitMs);
      const times = { endpoint, invokeNs, returnNs: nowNs(), outcome, ...(error && { error }) };
      run.record({ kind: "read-log", ...times, writer, sequence });
    }
  }
}
