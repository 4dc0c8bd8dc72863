import { readFile } from "node:fs/promises";
import { staleReads, type Window } from "../e2e/load/history.ts";
import type { Report } from "../e2e/load/load.ts";
import type { HistoryLine } from "../e2e/load/operation.ts";
import { lateWatches } from "../e2e/load/watch.ts";
import { judgeHistory } from "./linearizability.ts";
import type { Counts } from "./results.ts";

/** A time in which reads through one endpoint may be stale: the one that the end of lock 6 names. */
export interface ReadWindow extends Window {
  endpoint: string;
}

export interface Judged extends Counts {
  /** What no correct store shows; one sentence each. */
  harm: string[];
  /** What could not be decided, or did not come in time; one sentence each. */
  late: string[];
}

/** What the clients' history says. @param pictures folder for what is not linearizable */
export async function judge(
  checker: string,
  report: Report,
  windows: readonly ReadWindow[],
  pictures: string,
): Promise<Judged> {
  const { history } = report;
  const named = (one: { endpoint: string; invokeNs: number; returnNs: number }) =>
    windows.some(
      ({ endpoint, fromNs, toNs }) => one.endpoint === endpoint && one.returnNs >= fromNs && one.invokeNs <= toNs,
    );
  const stale = staleReads(history);
  const excused = stale.filter(({ read }) => named(read));
  const excusedTexts = new Set(excused.map(({ text }) => text));
  const without = new Set(excused.map(({ read }) => JSON.stringify(read)));
  const lines = (await readFile(report.file, "utf8")).split("\n").filter((line) => line && !isIn(without, line));
  const { operations, verdicts } = await judgeHistory(checker, `${lines.join("\n")}\n`, pictures);
  const judgedAs = (wanted: string) =>
    Object.entries(verdicts).flatMap(([model, is]) => (is === wanted ? [model] : []));
  return {
    operations: operations + excused.length,
    acknowledged: report.acknowledged,
    lost: report.lost.length,
    stale: stale.length - excused.length,
    staleInWindow: excused.length,
    notLinearizable: judgedAs("Illegal").length,
    harm: [
      ...report.violations.filter((text) => !excusedTexts.has(text)),
      ...judgedAs("Illegal").map((model) => `not linearizable, judged as ${model}`),
    ],
    late: [
      ...judgedAs("Unknown").map((model) => `not decided in time whether it is linearizable, judged as ${model}`),
      ...lateWatches(history).map((endpoint) => `the watch through ${endpoint} did not tell of the last change`),
    ],
  };
}

function isIn(reads: ReadonlySet<string>, line: string): boolean {
  return reads.size > 0 && reads.has(JSON.stringify(JSON.parse(line) as HistoryLine));
}
