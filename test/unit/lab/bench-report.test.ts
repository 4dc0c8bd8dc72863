import { expect, test } from "vitest";
import { putRows, type Results, runRows, summary } from "../../lab/bench-report.ts";
import type { Failover, SiteFailover } from "../../lab/failover.ts";

const plain = (gapMs: number): Failover => ({
  machine: "p1",
  gapMs,
  survivorGapMs: gapMs + 50,
  acknowledged: 100,
  lost: [],
  violations: [],
});
const site = (machine: string, gapMs: number, marks: Record<string, number>): SiteFailover => ({
  ...plain(gapMs),
  machine,
  protectedMs: 9000,
  homeMs: 12_000,
  returnGapMs: 300,
  marks,
});
const results: Results = {
  plain: [plain(1000), plain(1200), plain(1100)],
  one: [site("n1", 1650, { confirm: 200, start: 1300 }), site("n1", 1870, { confirm: 220, start: 1400 })],
  two: [site("n2", 1100, { confirm: 210 })],
  firstUpMs: 60_000,
  atRest: [{ node: "n1", cpuPercent: 1.25, rssMb: 58 }],
  puts: {
    plain: [
      [4, 5, 6],
      [5, 6, 10],
    ],
    site: [[5, 5, 12]],
  },
};

test("gaps are compared with the plain cluster's: medians, 95th percentiles", () => {
  expect(summary(results)).toContain("| node one | 2 | 1650 to 1870 | 1760 | 1.60 | 1859 | 1.56 | 1810 |");
  expect(summary(results)).toContain("| node two | 1 | 1100 to 1100 | 1100 | 1.00 | 1100 | 0.92 | 1150 |");
});

test("marks are shown in the order of time, and left out where a failover has none", () => {
  expect(summary(results)).toContain("| confirm | 210 | 210 |\n| start | 1350 |  |\n");
});

test("lost writes are counted over all runs", () => {
  const lossy = { ...results, two: [{ ...site("n2", 1100, {}), lost: ["E1/7"] }] };
  expect(summary(results)).toContain("600 acknowledged writes, 0 lost.");
  expect(summary(lossy)).toContain("600 acknowledged writes, 1 lost.");
});

test("every run is a row, with the marks as columns", () => {
  expect(runRows(results)).toHaveLength(6);
  expect(runRows(results)[3]).toMatchObject({ kind: "node one", run: 1, machine: "n1", gapMs: 1650, start: 1300 });
});

test("puts of all turns are compared together, and each turn is a row", () => {
  expect(summary(results)).toContain("| put p50, site to plain, of 3 and 6 puts | 5.0 to 5.5 ms, ratio 0.91 |  |");
  expect(summary(results)).toContain("| put p99, site to plain, of 3 and 6 puts | 11.9 to 9.8 ms, ratio 1.21 | 1.10 |");
  expect(putRows(results.puts)).toContainEqual({
    cluster: "plain three-node etcd",
    turn: 2,
    puts: 3,
    p50Ms: "6.00",
    p99Ms: "9.92",
  });
});
