import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Lab } from "../../lab/lab.ts";
import { SafetyError } from "../load/load.ts";
import { until } from "../until.ts";
import type { Access } from "./client.ts";
import type { Line } from "./main.ts";

const program = join(import.meta.dirname, "main.ts");
const startLimitMs = 60_000;

/** A writer and a watcher of one object, through the address of the API. */
export class ApiLoad {
  private readonly child: ChildProcess;
  private readonly lines: Line[] = [];
  private readonly ended: Promise<string>;

  private readonly renewMs: number;

  private constructor(lab: Lab, access: Access, renewMs: number) {
    this.renewMs = renewMs;
    this.child = lab.spawn([process.execPath, program], { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin?.write(`${JSON.stringify(access)}\n`);
    let errors = "";
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      errors += chunk;
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.lines.push(JSON.parse(line));
    });
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => resolve(code === 0 ? "" : `${signal ?? `code ${code}`}: ${errors}`));
    });
  }

  /** Returns when writes are acknowledged. @param renewMs as in {@link reportOf} */
  static async start(lab: Lab, access: Access, renewMs: number): Promise<ApiLoad> {
    const load = new ApiLoad(lab, access, renewMs);
    await load.untilWriting(startLimitMs);
    return load;
  }

  /** Waits until 20 more writes than now are acknowledged. */
  async untilWriting(timeoutMs: number): Promise<void> {
    const writes = () => this.lines.filter(({ kind }) => kind === "write").length;
    const before = writes();
    await until("writes through the address of the API", timeoutMs, () => writes() >= before + 20 || undefined);
  }

  /** Ends it, and waits for the watch to tell of the last write. @throws SafetyError if it lost any */
  async stop(): Promise<ApiReport> {
    this.child.stdin?.end();
    const problem = await this.ended;
    if (problem !== "") throw new Error(`the client of the API ended with ${problem}`);
    return reportOf(this.lines, this.renewMs);
  }
}

export interface ApiReport {
  readonly acknowledged: number;
  /** Longest time between two acknowledged writes. */
  readonly gapMs: number;
  /** The same between two moments of the lines' clock. */
  gapBetween(fromNs: number, toNs: number): number;
}

/**
 * @param renewMs for how long a manager tries to renew its lease before it ends its work
 * @throws SafetyError with the acknowledged writes that the watch did not tell of, with what it told out of order, and with
 * managers that were at work at once
 */
export function reportOf(lines: readonly Line[], renewMs: number): ApiReport {
  const writes = lines.filter((line) => line.kind === "write");
  const events = lines.filter((line) => line.kind === "event");
  const shown = new Set(events.map(({ n }) => n));
  const problems = [
    ...lines.filter((line) => line.kind === "watch-lost").map(({ reason }) => `the watch was broken off: ${reason}`),
    ...writes.filter(({ n }) => !shown.has(n)).map(({ n }) => `no event of write ${n}, which was acknowledged`),
    ...events
      .filter(({ revision }, i) => i > 0 && BigInt(revision) <= BigInt(events[i - 1]?.revision ?? 0))
      .map(({ n, revision }) => `the event of write ${n}, revision ${revision}, came after a newer one`),
    ...handedOverTooEarly(lines, renewMs),
  ];
  if (problems.length > 0)
    throw new SafetyError(`the API's clients were not served right:\n${problems.slice(0, 20).join("\n")}`);
  const gapBetween = (fromNs: number, toNs: number) =>
    longestGapMs(writes.map(({ returnNs }) => returnNs).filter((ns) => ns >= fromNs && ns <= toNs));
  return { acknowledged: writes.length, gapMs: gapBetween(0, Number.POSITIVE_INFINITY), gapBetween };
}

/** The former holder of a lease may work until it has tried in vain to renew it for so long. */
function handedOverTooEarly(lines: readonly Line[], renewMs: number): string[] {
  const last = new Map<string, Extract<Line, { kind: "lease" }>>();
  return lines
    .filter((line) => line.kind === "lease")
    .flatMap((lease) => {
      const before = last.get(lease.manager);
      last.set(lease.manager, lease);
      // A holder that ends orderly gives its lease back.
      if (before === undefined || before.holder === lease.holder || before.holder === "" || lease.holder === "")
        return [];
      const waitedMs = lease.acquiredMs - before.renewedMs;
      if (waitedMs >= renewMs) return [];
      return [
        `${lease.holder} took the lease of ${lease.manager} ${waitedMs} ms after ${before.holder} had renewed it`,
      ];
    });
}

function longestGapMs(times: readonly number[]): number {
  return Math.max(0, ...times.slice(1).map((ns, i) => (ns - (times[i] as number)) / 1e6));
}
