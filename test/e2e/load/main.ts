/**
 * The load generator, a process of its own: settings as one line of JSON on standard input, whose end is the sign to stop; the
 * history as JSON lines into a file; a line of progress on standard output every 100 ms.
 */
import { createWriteStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, Gateway } from "./gateway.ts";
import { type Closing, type HistoryLine, nowNs, type Operation, valueAtStart, type WatchMessage } from "./operation.ts";
import { Store } from "./store.ts";
import { change, type Run, read, swap, watch, write } from "./workers.ts";

/**
 * `writes`: nothing but the writers, where a machine of the lab must not be busy with the load itself. `usual`: also a shared
 * register and linearizable reads. `thorough`: also transactions over two keys, and a watch through every endpoint.
 */
export type Mix = "writes" | "usual" | "thorough";

const workers: Readonly<Record<Mix, readonly ((gateway: Gateway, run: Run) => Promise<void>)[]>> = {
  writes: [write],
  usual: [write, change, read],
  thorough: [write, change, swap, read],
};

export interface LoadSettings {
  endpoints: readonly Endpoint[];
  /** Files with PEM texts. */
  tls: { ca: string; cert: string; key: string };
  /** Of each endpoint's writer; all else keeps its proportion to it. */
  writesPerSecond: number;
  mix: Mix;
  /** File for the history. */
  history: string;
}

export interface Progress {
  /** Acknowledged writes of each endpoint. */
  acknowledged: Record<string, number>;
  /** Age of the newest acknowledgement. */
  quietMs: number;
  /** Longest time between two acknowledgements so far, through whichever endpoints. */
  longestGapMs: number;
}

const progressIntervalMs = 100;
const setUpLimitMs = 30_000;
const closingLimitMs = 60_000;
/** For watches to tell of the last change. One through an endpoint that is away stays behind. */
const watchLimitMs = 5000;

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

  const begunAt = await ask(gateways, setUpLimitMs, "set the register and the pair", async (gateway) => {
    const { revision } = await store.begin(gateway, valueAtStart, 2000);
    return revision;
  });

  const progress = reportProgress(settings.endpoints);
  const run: Run = {
    store,
    writers: settings.endpoints.map(({ name }) => name),
    writesPerSecond: settings.writesPerSecond,
    end: stop.signal,
    record: (line) => {
      append(line);
      progress.count(line);
    },
  };
  const endOfWatches = new AbortController();
  const watches =
    settings.mix === "thorough" ? gateways.map((gateway) => watch(gateway, run, begunAt + 1, endOfWatches.signal)) : [];
  await Promise.all(gateways.flatMap((gateway) => workers[settings.mix].map((work) => work(gateway, run))));
  progress.end();

  const closing = await ask(gateways, closingLimitMs, "read the closing state", (gateway) =>
    closingState(gateway, run),
  );
  const deadline = performance.now() + watchLimitMs;
  while (performance.now() < deadline && watches.some((newest) => newest() < closing.lastChange)) await sleep(50);
  endOfWatches.abort();
  append(closing);
  await ask(gateways, closingLimitMs, "remove the keys", async (gateway) => {
    const { outcome } = await store.remove(gateway, 5000);
    return outcome === "ok" || undefined;
  });
  await new Promise<void>((resolve) => file.end(resolve));
  for (const gateway of gateways) gateway.close();
}

async function closingState(gateway: Gateway, { store, writers }: Run): Promise<Closing | undefined> {
  const invokeNs = nowNs();
  const everything = await store.everything(gateway, writers, 5000);
  return everything && { kind: "closing", invokeNs, returnNs: nowNs(), ...everything };
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

const wholeMs = (ns: number): number => Math.round(ns / 1e6);

function reportProgress(endpoints: readonly Endpoint[]) {
  const acknowledged: Record<string, number> = Object.fromEntries(endpoints.map(({ name }) => [name, 0]));
  let newestNs = nowNs();
  let longestNs = 0;
  const timer = setInterval(() => {
    const line: Progress = { acknowledged, quietMs: wholeMs(nowNs() - newestNs), longestGapMs: wholeMs(longestNs) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }, progressIntervalMs);
  return {
    count: (line: Operation | WatchMessage) => {
      if (line.kind !== "put" || line.outcome !== "ok") return;
      acknowledged[line.endpoint] = (acknowledged[line.endpoint] as number) + 1;
      longestNs = Math.max(longestNs, line.returnNs - newestNs);
      newestNs = line.returnNs;
    },
    end: () => clearInterval(timer),
  };
}

function text(file: string): string {
  return readFileSync(file, "utf8");
}

await main();
