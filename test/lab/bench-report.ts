import type { Failover, SiteFailover } from "./failover.ts";
import { markdownTable, median, quantile, type Row } from "./figures.ts";
import type { SteadyPuts } from "./steady.ts";

export interface AtRest {
  node: string;
  cpuPercent: number;
  rssMb: number;
}

export interface Results {
  plain: Failover[];
  one: SiteFailover[];
  two: SiteFailover[];
  firstUpMs: number;
  atRest: AtRest[];
  puts: SteadyPuts;
}

export function runRows({ plain, one, two }: Results): Row[] {
  const rows = (kind: string, failovers: readonly (Failover | SiteFailover)[]) =>
    failovers.map((failover, i) => ({
      kind,
      run: i + 1,
      machine: failover.machine,
      gapMs: Math.round(failover.gapMs),
      survivorGapMs: Math.round(failover.survivorGapMs),
      acknowledged: failover.acknowledged,
      lost: failover.lost.length,
      ...("marks" in failover && {
        protectedMs: Math.round(failover.protectedMs),
        homeMs: Math.round(failover.homeMs),
        returnGapMs: Math.round(failover.returnGapMs),
        ...failover.marks,
      }),
    }));
  return [...rows("plain three-node etcd", plain), ...rows("node one", one), ...rows("node two", two)];
}

/** One row a turn. */
export function putRows(puts: SteadyPuts): Row[] {
  const rows = (cluster: string, turns: readonly (readonly number[])[]) =>
    turns.map((latencies, i) => ({
      cluster,
      turn: i + 1,
      puts: latencies.length,
      p50Ms: quantile(latencies, 0.5).toFixed(2),
      p99Ms: quantile(latencies, 0.99).toFixed(2),
    }));
  return [...rows("plain three-node etcd", puts.plain), ...rows("site", puts.site)];
}

export function summary(results: Results): string {
  const { plain, one, two, firstUpMs, atRest } = results;
  const gaps = (failovers: readonly Failover[]) => failovers.map(({ gapMs }) => gapMs);
  const gapRow = (what: string, failovers: readonly Failover[]) => {
    const values = gaps(failovers);
    const compared = (share: number) => {
      const value = quantile(values, share);
      return [ms(value), (value / quantile(gaps(plain), share)).toFixed(2)];
    };
    const spread = `${ms(Math.min(...values))} to ${ms(Math.max(...values))}`;
    const survivor = ms(median(failovers.map(({ survivorGapMs }) => survivorGapMs)));
    return [what, `${values.length}`, spread, ...compared(0.5), ...compared(0.95), survivor];
  };
  const site = [...one, ...two];
  const [puts, plainPuts] = [results.puts.site.flat(), results.puts.plain.flat()];
  const putRow = (share: number, limit: string) => {
    const [ours, theirs] = [quantile(puts, share), quantile(plainPuts, share)];
    const seen = `${ours.toFixed(1)} to ${theirs.toFixed(1)} ms, ratio ${(ours / theirs).toFixed(2)}`;
    return [`put p${share * 100}, site to plain, of ${puts.length} and ${plainPuts.length} puts`, seen, limit];
  };
  const protectedMs = site.map((failover) => failover.protectedMs);
  const returnGaps = site.map((failover) => failover.returnGapMs);
  const acknowledged = [...plain, ...site].reduce((sum, failover) => sum + failover.acknowledged, 0);
  const lost = [...plain, ...site].reduce((sum, failover) => sum + failover.lost.length, 0);
  return [
    "# Benchmark\n",
    `${acknowledged} acknowledged writes, ${lost} lost.\n`,
    "## Time without writes\n",
    markdownTable(
      [
        "power cut of",
        "runs",
        "least to most ms",
        "median ms",
        "ratio",
        "95th percentile ms",
        "ratio",
        "survivor's clients",
      ],
      [gapRow("a plain three-node etcd's leader", plain), gapRow("node one", one), gapRow("node two", two)],
    ),
    "Ratios are to the plain etcd; limits 1.00 of the median, 1.20 of the 95th percentile. The last column is the median for clients of a surviving endpoint alone.\n",
    "## Where the time goes\n",
    "Median ms since the surviving node's agent suspected the loss; the writes' own clock starts with the last acknowledged one.\n",
    markdownTable(["mark", "node one cut", "node two cut"], markRows(one, two)),
    "## Other figures\n",
    markdownTable(
      ["what", "seen", "limit"],
      [
        putRow(0.5, ""),
        putRow(0.99, "1.10"),
        ["boot of a returning node to protected, median and most", both(protectedMs), "20000 ms"],
        ["longest time without writes during the return, median and most", both(returnGaps), ""],
        ["first up of a blank site until protected", `${ms(firstUpMs)} ms`, "180000 ms"],
        ...atRest.map(({ node, cpuPercent, rssMb }) => [
          `agent of ${node} at rest`,
          `${cpuPercent.toFixed(1)} % of a core, ${rssMb.toFixed(0)} MB`,
          "2 %, 64 MB",
        ]),
      ],
    ),
  ].join("\n");
}

function markRows(one: readonly SiteFailover[], two: readonly SiteFailover[]): string[][] {
  const names = [...new Set([...one, ...two].flatMap(({ marks }) => Object.keys(marks)))];
  const at = (failovers: readonly SiteFailover[], name: string) =>
    quantile(
      failovers.flatMap(({ marks }) => marks[name] ?? []),
      0.5,
    );
  const cell = (value: number) => (Number.isNaN(value) ? "" : ms(value));
  return names
    .map((name) => ({ name, one: at(one, name), two: at(two, name) }))
    .toSorted((a, b) => (a.one || a.two) - (b.one || b.two))
    .map((row) => [row.name, cell(row.one), cell(row.two)]);
}

function both(values: readonly number[]): string {
  return `${ms(median(values))} and ${ms(Math.max(...values))} ms`;
}

function ms(value: number): string {
  return value.toFixed(0);
}
