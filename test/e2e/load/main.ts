/**
 * The load generator, a process of its own: settings as one line of JSON on standard input, whose end is the sign to stop; the
 * history as JSON lines into a file; a line of progress on standard output every 100 ms.
 */
import { createWriteStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, Gateway } from "./gateway.ts";
import { type Closing, type HistoryLine, nowNs, type Operation, registerAtStart } from "./operation.ts";
import { Store } from "./store.ts";
import { type Run, read, swap, write } from "./workers.ts";

export interface LoadSettings {
  endpoints: readonly Endpoint[];
  /** Files with PEM texts. */
  tls: { ca: string; cert: string; key: string };
  /** Of each endpoint's writer. */
  writesPerSecond: number;
  /** File for the history. */
  history: string;
}

export interface Progress {
  /** Acknowledged writes of each endpoint. */
  acknowledged: Record<string, number>;
  /** Age of the newest acknowledgement. */
  quietMs: number;
}

const progressIntervalMs = 100;
const setUpLimitMs = 30_000;
const closingLimitMs = 60_000;

async function main(): Promise<void> {
  const input = createInterface({ input: process.stdin });
  const stop = new AbortController();
  const settings = await new Promise<LoadSettings>((resolve) => {
    input.once("line", (line) => resolve(JSON.parse(line)));
  });
  input.once("close", () => stop.abort());

  const tls = { ca: text(settings.tls.ca), cert: text(settings.tls.cert), key: text(settings.tls.key) };
  const gateways = settings.endpoints.map((endpoint) => new Gateway(endpoint, tls));
  const store = new Store(`${process.pid}-${Date.now()}`);
  const file = createWriteStream(settings.history, { flags: "wx" });
  const append = (line: HistoryLine) => file.write(`${JSON.stringify(line)}\n`);

  await ask(gateways, setUpLimitMs, "set the shared register", async (gateway) => {
    const { outcome } = await store.startRegister(gateway, registerAtStart, 2000);
    return outcome === "ok" || undefined;
  });

  const progress = reportProgress(settings.endpoints);
  const run: Run = {
    store,
    writers: settings.endpoints.map(({ name }) => name),
    writesPerSecond: settings.writesPerSecond,
    end: stop.signal,
    record: (operation) => {
      append(operation);
      progress.count(operation);
    },
  };
  await Promise.all(gateways.flatMap((gateway) => [write(gateway, run), swap(gateway, run), read(gateway, run)]));
  progress.end();

  append(await ask(gateways, closingLimitMs, "read the closing state", (gateway) => closingState(gateway, run)));
  await ask(gateways, closingLimitMs, "remove the keys", async (gateway) => {
    const { outcome } = await store.remove(gateway, 5000);
    return outcome === "ok" || undefined;
  });
  await new Promise<void>((resolve) => file.end(resolve));
  for (const gateway of gateways) gateway.close();
}

async function closingState(gateway: Gateway, { store, writers }: Run): Promise<Closing | undefined> {
  const invokeNs = nowNs();
  const logs: Record<string, number[]> = {};
  for (const writer of writers) {
    const { outcome, sequences } = await store.sequences(gateway, writer, 5000);
    if (outcome !== "ok") return undefined;
    logs[writer] = sequences;
  }
  const { outcome, value } = await store.readRegister(gateway, 5000);
  if (outcome !== "ok") return undefined;
  return { kind: "closing", invokeNs, returnNs: nowNs(), logs, register: value };
}

/** Asks one endpoint after the other, round and round, until one answers. */
async function ask<T>(
  gateways: readonly Gateway[],
  limitMs: number,
  what: string,
  question: (gateway: Gateway) => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    for (const gateway of gateways.filter((one) => one.connected)) {
      const answer = await question(gateway);
      if (answer !== undefined) return answer;
    }
    await sleep(100);
  }
  throw new Error(`no endpoint could ${what} within ${limitMs} ms`);
}

function reportProgress(endpoints: readonly Endpoint[]) {
  const acknowledged: Record<string, number> = Object.fromEntries(endpoints.map(({ name }) => [name, 0]));
  let newestNs = nowNs();
  const timer = setInterval(() => {
    const line: Progress = { acknowledged, quietMs: Math.round((nowNs() - newestNs) / 1e6) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }, progressIntervalMs);
  return {
    count: ({ kind, outcome, endpoint, returnNs }: Operation) => {
      if (kind !== "put" || outcome !== "ok") return;
      acknowledged[endpoint] = (acknowledged[endpoint] as number) + 1;
      newestNs = returnNs;
    },
    end: () => clearInterval(timer),
  };
}

function text(file: string): string {
  return readFileSync(file, "utf8");
}

await main();
