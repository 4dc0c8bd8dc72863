import { expect, test } from "vitest";
import type { Operation } from "../../e2e/load/operation.ts";
import { csv } from "../../lab/figures.ts";
import { acknowledgedPerSlot, gapsOf, row, total } from "../../torture/results.ts";
import { passed as result } from "./result.ts";

const put = (atMs: number, endpoint = "E1", outcome: "ok" | "unknown" = "ok"): Operation => ({
  kind: "put",
  endpoint,
  sequence: atMs,
  invokeNs: atMs * 1e6,
  returnNs: atMs * 1e6,
  outcome,
});
const during = { fromNs: 0, toNs: 5000e6 };

test("gaps of half a second are told with their start, the end of the time included", () => {
  const operations = [put(100), put(900), put(1000, "E2"), put(1400), put(2000, "E1", "unknown"), put(4000)];
  expect(gapsOf(operations, during)).toEqual([
    { atMs: 100, ms: 800 },
    { atMs: 1400, ms: 2600 },
    { atMs: 4000, ms: 1000 },
  ]);
});

test("acknowledged writes are counted by tenths of a second", () => {
  const slots = acknowledgedPerSlot([put(10), put(20), put(150), put(160, "E2"), put(170, "E1", "unknown")], during);
  expect(slots.E1?.slice(0, 3)).toEqual([2, 1, 0]);
  expect(slots.E2?.slice(0, 3)).toEqual([0, 1, 0]);
  expect(slots.E1).toHaveLength(50);
});

test("a row says what was done and what came of it", () => {
  expect(csv([row(result, 7)])).toBe(
    `${[
      "n,seed,family,name,verdict,startedAt,tookMs,operations,acknowledged,lost,stale,staleInWindow,notLinearizable,gapMs,gapLimitMs,homeMs,faults,problems,notTried",
      '1,7,power cut of n1,power cut,passed,2026-01-01T00:00:00.000Z,20000,900,500,0,0,0,0,2100,15000,9000,"2.0 s, for 5.5 s: n1 loses power",,',
    ].join("\n")}\n`,
  );
});

test("a site that did not come back, and what was wrong, are in the row", () => {
  const failed = { ...result, passed: false, homeMs: null, problems: ["a", "b"], notTried: ["c"] };
  expect(row(failed, 7)).toMatchObject({ verdict: "failed", homeMs: "", problems: "a; b", notTried: "c" });
});

test("a run ends with one line", () => {
  expect(total([result, { ...result, operations: 100, lost: 2, stale: 1, notLinearizable: 3, gapMs: 4000 }])).toBe(
    "schedules: 2, operations: 1000, lost: 2, stale: 1, not linearizable: 3, longest gap: 4000 ms",
  );
});
