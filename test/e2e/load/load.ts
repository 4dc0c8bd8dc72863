import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../lab/lab.ts";
import {
  type Gap,
  type History,
  longestGap,
  lostWrites,
  parseHistory,
  putLatencies,
  violations,
  type Window,
} from "./history.ts";
import type { LoadSettings, Progress } from "./main.ts";

export type { Endpoint } from "./gateway.ts";

/** Writes per second of each endpoint's writer. */
export const defaultRate = 25;

const program = join(import.meta.dirname, "main.ts");
let runs = 0;

/** A running load generator. */
export class Load {
  private readonly child: ChildProcess;
  private readonly settings: LoadSettings;
  private readonly ended: Promise<void>;
  private problem = "";
  progress: Progress = { acknowledged: {}, quietMs: 0, longestGapMs: 0 };

  private constructor(lab: Lab, settings: LoadSettings) {
    this.settings = settings;
    this.child = lab.spawn([process.execPath, program], { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin?.write(`${JSON.stringify(settings)}\n`);
    let errors = "";
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      errors += chunk;
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.progress = JSON.parse(line);
    });
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        if (code !== 0)
          this.problem = `the load generator ended with ${signal ?? `code ${code}`}:\n${errors.slice(-2000)}`;
        resolve();
      });
    });
  }

  /** Returns when every endpoint has acknowledged a write. */
  static async start(lab: Lab, settings: Omit<LoadSettings, "history">): Promise<Load> {
    const history = join(lab.folder, `history-${process.pid}-${++runs}.jsonl`);
    const load = new Load(lab, { ...settings, history });
    await load
      .until("the first acknowledged write of every endpoint", 30_000, ({ acknowledged }) =>
        settings.endpoints.every(({ name }) => acknowledged[name]),
      )
      .catch(async (error) => {
        await load.kill();
        throw error;
      });
    return load;
  }

  /** Waits until the progress of the run fits. @throws with the progress if it does not in time, or if the generator ends */
  async until(what: string, timeoutMs: number, fits: (progress: Progress) => boolean): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!fits(this.progress)) {
      if (this.problem) throw new Error(this.problem);
      if (performance.now() > deadline)
        throw new Error(`waited ${timeoutMs} ms for ${what}; progress of the load: ${JSON.stringify(this.progress)}`);
      await sleep(50);
    }
  }

  /** Waits until `endpoint`, or whichever answers, has acknowledged 20 more writes than now. */
  async untilWriting(timeoutMs: number, endpoint?: string): Promise<void> {
    const before = this.acknowledged(endpoint);
    const what = `writes through ${endpoint ?? "any endpoint"}`;
    await this.until(what, timeoutMs, () => this.acknowledged(endpoint) >= before + 20);
  }

  /** How many writes are acknowledged from now on for so long. */
  async acknowledgedWithin(ms: number, endpoint?: string): Promise<number> {
    // What was acknowledged just before is told with the next line of progress.
    await sleep(200);
    const before = this.acknowledged(endpoint);
    await sleep(ms);
    return this.acknowledged(endpoint) - before;
  }

  private acknowledged(endpoint?: string): number {
    const { acknowledged } = this.progress;
    if (endpoint !== undefined) return acknowledged[endpoint] ?? 0;
    return Object.values(acknowledged).reduce((sum, count) => sum + count, 0);
  }

  /** Ends it orderly and judges what it saw. */
  async stop(): Promise<Report> {
    this.child.stdin?.end();
    await this.ended;
    if (this.problem) throw new Error(this.problem);
    return new Report(parseHistory(readFileSync(this.settings.history, "utf8")), this.settings);
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** Data that no correct store would show. */
export class SafetyError extends Error {}

/**
 * Does something while clients are at work.
 * @param stop ends them and judges what they saw
 * @returns what `stop` returns
 * @throws SafetyError if that is not correct, however the work ended; else the error of the work
 */
export async function underLoad<R>(work: () => Promise<void>, stop: () => Promise<R>): Promise<R> {
  let problem: unknown;
  try {
    await work();
  } catch (error) {
    problem = error;
  }
  const report = await stop().catch((error) => {
    throw error instanceof SafetyError ? error : (problem ?? error);
  });
  if (problem !== undefined) throw problem;
  return report;
}

/** @throws SafetyError with the violations of a history, if there are any */
export function assertNone(violations: readonly string[]): void {
  if (violations.length > 0) throw new SafetyError(`the history is not correct:\n${violations.join("\n")}`);
}

/** What clients saw. */
export class Report {
  readonly history: History;
  readonly violations: string[];
  readonly lost: string[];
  readonly acknowledged: number;
  /** File of the history. */
  readonly file: string;

  constructor(history: History, settings: LoadSettings) {
    this.history = history;
    this.file = settings.history;
    this.violations = violations(history);
    this.lost = lostWrites(history);
    this.acknowledged = history.operations.filter(({ kind, outcome }) => kind === "put" && outcome === "ok").length;
  }

  /** @throws SafetyError with what is wrong */
  assertCorrect(): void {
    assertNone(this.violations);
  }

  /** The longest time without an acknowledged write, through any endpoint or only this one. */
  gap(endpoint?: string, window: Window = this.window): Gap {
    return longestGap(this.history.operations, window, endpoint);
  }

  /** The same from a moment on, and up to another one if it lies before the end of the load. */
  gapBetween(fromNs: number, toNs = Infinity, endpoint?: string): Gap {
    return this.gap(endpoint, { fromNs, toNs: Math.min(toNs, this.window.toNs) });
  }

  /** Milliseconds. */
  putLatencies(window: Window): number[] {
    return putLatencies(this.history.operations, window);
  }

  private get window(): Window {
    const times = this.history.operations.map(({ invokeNs }) => invokeNs).sort((a, b) => a - b);
    return { fromNs: times[0] as number, toNs: times.at(-1) as number };
  }
}
