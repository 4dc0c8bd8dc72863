import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { csv } from "../lab/figures.ts";
import { parseCsv } from "../report/csv.ts";
import { newest, readRuns } from "../report/data.ts";
import { page } from "../report/html.ts";
import { type Result, row } from "../torture/results.ts";
import { passed } from "./torture/result.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-report-"));
const result = (n: number, name: string, change: Partial<Result> = {}): Result => ({
  ...passed,
  n,
  schedule: { ...passed.schedule, name, family: "power cut" },
  gapMs: 2000 + n,
  gaps: [{ atMs: 2000, ms: 2000 }],
  events: [{ atMs: 2000, what: "n1 loses power" }],
  acknowledgedPerSlot: { E1: [1, 2, 3], E2: [0, 1, 0] },
  ...change,
});

beforeAll(() => {
  const results = [
    result(1, "first"),
    result(2, "<second>", { notTried: ["a trap & no agent"] }),
    result(3, "third", { passed: false, lost: 2, problems: ["lost & gone"] }),
  ];
  writeFileSync(join(folder, "results.jsonl"), results.map((one) => `${JSON.stringify(one)}\n`).join(""));
  writeFileSync(join(folder, "results.csv"), csv(results.map((one) => row(one, 42))));
  writeFileSync(
    join(folder, "runs.csv"),
    csv([1200, 1400].map((gapMs, i) => ({ kind: "plain three-node etcd", run: i + 1, gapMs, lost: 0 }))),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

test("what was written as CSV is read again, with commas, quotes and breaks", () => {
  const rows = [
    { a: "1", b: 'say "x", y' },
    { a: "", b: "two\nlines" },
  ];
  expect(parseCsv(csv(rows))).toEqual(rows);
  expect(parseCsv("")).toEqual([]);
});

test("a page holds every schedule with its verdict, and nothing from outside", () => {
  const html = page(readRuns(folder, folder), "2026-01-02");
  expect(html).toContain("&#60;second&#62;");
  expect(html).toContain("lost &#38; gone");
  expect(html).toContain("not tried: a trap &#38; no agent");
  expect(html.match(/<td class="(passed|failed)">/g)).toHaveLength(3);
  expect(html).toContain("seed 42");
  expect(html).not.toMatch(/(src|href)=/);
});

test("gaps are compared with the baseline of the benchmark", () => {
  const html = page(readRuns(folder, folder), "2026-01-02");
  expect(html).toContain(
    '<td>power cut</td><td class="n">3</td><td class="n">2002</td><td class="n">2003</td><td class="n">1.54</td>',
  );
  expect(html).toContain('class="baseline"');
});

test("the failover that is drawn is a passed one, with its events", () => {
  const data = readRuns(folder, undefined);
  expect(data.story?.schedule.name).toBe("<second>");
  expect(page(data, "2026-01-02")).toContain("n1 loses power</li>");
});

test("a benchmark alone makes a page as well", () => {
  const html = page(readRuns(undefined, folder), "2026-01-02");
  expect(html).toContain("plain three-node etcd");
  expect(html).toContain("no schedules");
});

test("the newest run is the one with the file", () => {
  expect(newest(folder, "results.csv")).toBeUndefined();
  expect(newest(join(folder, "absent"), "results.csv")).toBeUndefined();
});
