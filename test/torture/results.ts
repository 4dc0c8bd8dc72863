import type { Window } from "../e2e/load/history.ts";
import type { Operation } from "../e2e/load/operation.ts";
import type { Row } from "../lab/figures.ts";
import { describeFault, type Schedule } from "./schedule.ts";

/** What the clients' history of one schedule, or of several, says in numbers. */
export interface Counts {
  /** Client operations that were judged. */
  operations: number;
  /** Of these, acknowledged writes of new keys. */
  acknowledged: number;
  /** Acknowledged writes that were gone. */
  lost: number;
  /** Reads of the past, outside the window that the protocol names. */
  stale: number;
  /** Reads of the past in that window, which no other figure counts. */
  staleInWindow: number;
  /** Models that no order of the operations fits. */
  notLinearizable: number;
}

/**
 * One line of results.jsonl. Times are milliseconds; `atMs` counts from the start of the schedule, at which the load has
 * written already. results.csv has the same without the lists: see {@link row}.
 */
export interface Result extends Counts {
  /** Number in the run, from 1. */
  n: number;
  schedule: Schedule;
  /** ISO 8601. */
  startedAt: string;
  tookMs: number;
  passed: boolean;
  problems: string[];
  /** Those of them that no slowness of the lab excuses: wrong data, two nodes with T unfrozen, a split brain. */
  harm: string[];
  /** Faults that could not be made, and traps that no agent walked into. */
  notTried: string[];
  /** The longest time without an acknowledged write, through any endpoint. */
  gapMs: number;
  /** Every such time of half a second or more. */
  gaps: { atMs: number; ms: number }[];
  /** From the last heal until the site was protected and everything in its place; null if that did not come. */
  homeMs: number | null;
  /** What was done, what happened by itself, and what DRBD and T of each node were. */
  events: { atMs: number; what: string }[];
  /** By endpoint, acknowledged writes in each tenth of a second. */
  acknowledgedPerSlot: Record<string, number[]>;
}

const leastGapMs = 500;
export const slotMs = 100;

export function gapsOf(operations: readonly Operation[], { fromNs, toNs }: Window): Result["gaps"] {
  const times = acknowledgements(operations).map(({ returnNs }) => returnNs);
  const all = [fromNs, ...times.filter((at) => at > fromNs && at < toNs).sort((a, b) => a - b), toNs];
  return all.slice(1).flatMap((at, i) => {
    const from = all[i] as number;
    const ms = Math.round((at - from) / 1e6);
    return ms < leastGapMs ? [] : [{ atMs: Math.round((from - fromNs) / 1e6), ms }];
  });
}

export function acknowledgedPerSlot(
  operations: readonly Operation[],
  { fromNs, toNs }: Window,
): Record<string, number[]> {
  const slots: Record<string, number[]> = {};
  for (const { endpoint, returnNs } of acknowledgements(operations)) {
    if (returnNs < fromNs || returnNs >= toNs) continue;
    slots[endpoint] ??= Array(Math.ceil((toNs - fromNs) / 1e6 / slotMs)).fill(0);
    const slot = Math.floor((returnNs - fromNs) / 1e6 / slotMs);
    slots[endpoint][slot] = (slots[endpoint][slot] ?? 0) + 1;
  }
  return slots;
}

function acknowledgements(operations: readonly Operation[]): Operation[] {
  return operations.filter(({ kind, outcome }) => (kind === "put" || kind === "cas") && outcome === "ok");
}

/** A row of results.csv; names and units are those of {@link Result}. */
export function row(result: Result, seed: number): Row {
  const { n, schedule, passed, problems, notTried, homeMs } = result;
  const { startedAt, tookMs, operations, acknowledged, lost, stale, staleInWindow, notLinearizable, gapMs } = result;
  const faults = schedule.steps.map(
    ({ atMs, forMs, fault }) =>
      `${(atMs / 1000).toFixed(1)} s, for ${(forMs / 1000).toFixed(1)} s: ${describeFault(fault)}`,
  );
  return {
    n,
    seed,
    family: schedule.family,
    name: schedule.name,
    verdict: passed ? "passed" : "failed",
    startedAt,
    tookMs,
    operations,
    acknowledged,
    lost,
    stale,
    staleInWindow,
    notLinearizable,
    gapMs,
    gapLimitMs: schedule.gapLimitMs ?? "",
    homeMs: homeMs ?? "",
    faults: faults.join("; "),
    problems: problems.join("; "),
    notTried: notTried.join("; "),
  };
}

/** The last line of a run. */
export function total(results: readonly Result[]): string {
  const sum = (of: (result: Result) => number) => results.reduce((all, one) => all + of(one), 0);
  const figures = [
    `schedules: ${results.length}`,
    `operations: ${sum(({ operations }) => operations)}`,
    `lost: ${sum(({ lost }) => lost)}`,
    `stale: ${sum(({ stale }) => stale)}`,
    `not linearizable: ${sum(({ notLinearizable }) => notLinearizable)}`,
    `longest gap: ${Math.max(0, ...results.map(({ gapMs }) => gapMs))} ms`,
  ];
  return figures.join(", ");
}
