import type { Failover, SiteFailover } from "./failover.ts";
import { markdownTable, median, quantile, type Row } from "./figures.ts";

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
}

export function runRows({ plain, one, two }: Results): Row[] {
  const rows = (kind: string, failovers: readonly (Failover | SiteFailover)[]) =>
    failovers.map((failover, i) => ({
      kind,
      run: i + 1,
      machine: failover.machine,
      gapMs: Math.round(failover.gapMs),
      putP50Ms: failover.steady.p50Ms.toFixed(2),
      putP99Ms: failover.steady.p99Ms.toFixed(2),
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

export function summary(results: Results): string {
  const { plain, one, two, firstUpMs, atRest } = results;
  const gap = (failovers: readonly Failover[]) => failovers.map(({ gapMs }) => gapMs);
  const baseline = median(gap(plain));
  const gapRow = (what: string, failovers: readonly Failover[], limit: string) => {
    const values = gap(failovers);
    const spread = `${ms(Math.min(...values))} to ${ms(Math.max(...values))}`;
    return [what, `${values.length}`, ms(median(values)), spread, (median(values) / baseline).toFixed(2), limit];
  };
  const site = [...one, ...two];
  const p99 = (failovers: readonly Failover[]) => median(failovers.map(({ steady }) => steady.p99Ms));
  const p50 = (failovers: readonly Failover[]) => median(failovers.map(({ steady }) => steady.p50Ms));
  const protectedMs = site.map((failover) => failover.protectedMs);
  const returnGaps = site.map((failover) => failover.returnGapMs);
  const acknowledged = [...plain, ...site].reduce((sum, failover) => sum + failover.acknowledged, 0);
  const lost = [...plain, ...site].reduce((sum, failover) => sum + failover.lost.length, 0);
  return [
    "# Benchmark\n",
    `${acknowledged} acknowledged writes, ${lost} lost.\n`,
    "## Time without writes\n",
    markdownTable(
      ["power cut of", "runs", "median ms", "least to most ms", "ratio to plain", "limit"],
      [
        gapRow("a plain three-node etcd's leader", plain, "1.00"),
        gapRow("node one", one, "1.50"),
        gapRow("node two", two, "1.20"),
      ],
    ),
    "## Where the time goes\n",
    "Median ms since the surviving node's agent suspected the loss; the writes' own clock starts with the last acknowledged one.\n",
    markdownTable(["mark", "node one cut", "node two cut"], markRows(one, two)),
    "## Other figures\n",
    markdownTable(
      ["what", "seen", "limit"],
      [
        ["put p50, site to plain", `${p50(site).toFixed(1)} to ${p50(plain).toFixed(1)} ms`, ""],
        [
          "put p99, site to plain",
          `${p99(site).toFixed(1)} to ${p99(plain).toFixed(1)} ms, ratio ${(p99(site) / p99(plain)).toFixed(2)}`,
          "1.20",
        ],
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
