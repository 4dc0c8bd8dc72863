import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "./gateway.ts";
import type { Operation, WatchMessage } from "./operation.ts";
import { nowNs, valueAtStart } from "./operation.ts";
import type { Store } from "./store.ts";

/** What all workers of a run share. */
export interface Run {
  store: Store;
  writers: readonly string[];
  writesPerSecond: number;
  record: (line: Operation | WatchMessage) => void;
  /** Workers end when it is aborted. */
  end: AbortSignal;
}

export const requestLimitMs = 2000;
/** What else each endpoint's clients do, for each write of a new key. */
const shares = { change: 0.4, swap: 0.2, read: 0.8 } as const;
const watchAgainMs = 50;

function pause({ writesPerSecond }: Run, perWrite: number): Promise<void> {
  return sleep(1000 / (writesPerSecond * perWrite));
}

/**
 * New keys at a steady rate, without waiting for the one before: after an outage the next acknowledgement comes when the
 * endpoint can give it, not when a client's time-out is over.
 */
export async function write(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  const inFlight = new Set<Promise<void>>();
  const one = async (sequence: number) => {
    const invokeNs = nowNs();
    const answer = await run.store.put(gateway, endpoint, sequence, requestLimitMs);
    run.record({ kind: "put", endpoint, sequence, invokeNs, returnNs: nowNs(), ...answer });
  };
  for (let sequence = 1; !run.end.aborted; await pause(run, 1)) {
    if (!gateway.connected) continue;
    const put = one(sequence++);
    inFlight.add(put);
    void put.then(() => inFlight.delete(put));
  }
  await Promise.all(inFlight);
}

/** The shared register, changed by every endpoint's client from the value that it last saw. */
export async function change(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  let expected = valueAtStart;
  for (let count = 1; !run.end.aborted; await pause(run, shares.change)) {
    if (!gateway.connected) continue;
    const value = `${endpoint}-${count++}`;
    const invokeNs = nowNs();
    const { found, ...answer } = await run.store.compareAndSwap(gateway, expected, value, requestLimitMs);
    const times = { endpoint, invokeNs, returnNs: nowNs() };
    if (found !== undefined) {
      run.record({ kind: "read-register", ...times, ...answer, value: found });
      expected = found;
    } else {
      run.record({ kind: "cas", ...times, ...answer, expected, value });
      if (answer.outcome === "ok") expected = value;
    }
  }
}

/** The pair of keys, read and changed by every endpoint's client in one transaction. */
export async function swap(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  for (let count = 1; !run.end.aborted; await pause(run, shares.swap)) {
    if (!gateway.connected) continue;
    const value = `${endpoint}-${count++}`;
    const invokeNs = nowNs();
    const answer = await run.store.swap(gateway, value, requestLimitMs);
    run.record({ kind: "swap", endpoint, invokeNs, returnNs: nowNs(), ...answer, value });
  }
}

/**
 * Everything that changes from a revision on, in one watch after the other: each goes on where the one before it broke.
 * @returns the newest revision seen, at any time
 */
export function watch(gateway: Gateway, run: Omit<Run, "end">, from: number, end: AbortSignal): () => number {
  const { name: endpoint } = gateway.endpoint;
  let newest = from - 1;
  const take = (line: unknown) => {
    const events = run.store.eventsOf(line);
    if (events?.length) run.record({ kind: "watch", endpoint, returnNs: nowNs(), events });
    newest = events?.at(-1)?.revision ?? newest;
    return events !== undefined;
  };
  const follow = async () => {
    for (; !end.aborted; await sleep(watchAgainMs))
      await gateway.stream("/v3/watch", run.store.watchRequest(newest + 1), take, end);
  };
  void follow();
  return () => newest;
}

/** Linearizable reads of every log and the register in turn. */
export async function read(gateway: Gateway, run: Run): Promise<void> {
  const { name: endpoint } = gateway.endpoint;
  for (let turn = 0; !run.end.aborted; await pause(run, shares.read)) {
    if (!gateway.connected) continue;
    const writer = run.writers[turn++ % (run.writers.length + 1)];
    const invokeNs = nowNs();
    if (writer === undefined) {
      const answer = await run.store.readRegister(gateway, requestLimitMs);
      run.record({ kind: "read-register", endpoint, invokeNs, returnNs: nowNs(), ...answer });
    } else {
      const answer = await run.store.newest(gateway, writer, requestLimitMs);
      run.record({ kind: "read-log", endpoint, writer, invokeNs, returnNs: nowNs(), ...answer });
    }
  }
}
