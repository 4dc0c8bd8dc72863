import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts, Result } from "../torture/results.ts";
import { parseCsv } from "./csv.ts";

/** One schedule or one run of a benchmark. */
export interface Row {
  group: string;
  name: string;
  passed: boolean;
  gapMs: number;
  homeMs: number | null;
  operations: number;
  faults: string;
  problems: string;
  notTried: string;
}

export interface ReportData {
  /** Names of the folders that it is made of; undefined if there is none. */
  torture: string | undefined;
  bench: string | undefined;
  schedules: Row[];
  seeds: string[];
  totals: Counts;
  /** Power cuts of a plain three-node etcd's leader and of a site's nodes, in one lab. */
  failovers: Row[];
  /** A node's power cut to draw, if there was one. */
  story: Result | undefined;
}

export const baselineGroup = "plain three-node etcd";

/** @param folders of a torture and of a benchmark run; undefined for none */
export function readRuns(torture: string | undefined, bench: string | undefined): ReportData {
  const rows = torture === undefined ? [] : parseCsv(readFileSync(join(torture, "results.csv"), "utf8"));
  const sum = (column: string) => rows.reduce((all, row) => all + Number(row[column]), 0);
  const failovers = bench === undefined ? [] : parseCsv(readFileSync(join(bench, "runs.csv"), "utf8"));
  return {
    torture,
    bench,
    schedules: rows.map((row) => ({
      group: row.family ?? "",
      name: row.name ?? "",
      passed: row.verdict === "passed",
      gapMs: Number(row.gapMs),
      homeMs: row.homeMs ? Number(row.homeMs) : null,
      operations: Number(row.operations),
      faults: row.faults ?? "",
      problems: row.problems ?? "",
      notTried: row.notTried ?? "",
    })),
    seeds: [...new Set(rows.map((row) => row.seed ?? ""))],
    totals: {
      operations: sum("operations"),
      acknowledged: sum("acknowledged"),
      lost: sum("lost"),
      stale: sum("stale"),
      staleInWindow: sum("staleInWindow"),
      notLinearizable: sum("notLinearizable"),
    },
    failovers: failovers.map((row) => ({
      group: row.kind === baselineGroup ? baselineGroup : `power cut of ${row.kind}`,
      name: `run ${row.run}`,
      passed: row.lost === "0",
      gapMs: Number(row.gapMs),
      homeMs: row.homeMs ? Number(row.homeMs) : null,
      operations: 0,
      faults: "",
      problems: "",
      notTried: "",
    })),
    story: torture === undefined ? undefined : storyOf(join(torture, "results.jsonl")),
  };
}

/** The power cut whose gap is the middle one, preferably of node one. */
function storyOf(file: string): Result | undefined {
  const results = readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result)
    .filter(({ passed }) => passed);
  const cutsOf = (node: string) =>
    results.filter(({ schedule: { steps } }) =>
      steps.every(({ fault }) => fault.kind === "power" && fault.where === node),
    );
  const cuts = [cutsOf("n1"), cutsOf("n2"), results].find((some) => some.length > 0) ?? [];
  return cuts.toSorted((a, b) => a.gapMs - b.gapMs)[Math.floor(cuts.length / 2)];
}

/** The newest run that has this file; undefined if there is none. */
export function newest(root: string, file: string): string | undefined {
  if (!existsSync(root)) return undefined;
  const runs = readdirSync(root).sort().reverse();
  const found = runs.find((run) => existsSync(join(root, run, file)));
  return found === undefined ? undefined : join(root, found);
}
