import { expect, test } from "vitest";
import { longestGap, lostWrites, parseHistory, putLatencies, staleReads, violations } from "../../e2e/load/history.ts";
import type { Closing, Operation, Outcome } from "../../e2e/load/operation.ts";

const ms = 1_000_000;

/** Times in milliseconds; E1 is the writer. */
const put = (sequence: number, from: number, to: number, outcome: Outcome = "ok"): Operation => ({
  kind: "put",
  endpoint: "E1",
  sequence,
  invokeNs: from * ms,
  returnNs: to * ms,
  outcome,
});
const read = (sequence: number, from: number, to: number): Operation => ({
  kind: "read-log",
  endpoint: "E2",
  writer: "E1",
  sequence,
  invokeNs: from * ms,
  returnNs: to * ms,
  outcome: "ok",
});
const cas = (expected: string, value: string, from: number, to: number, outcome: Outcome = "ok"): Operation => ({
  kind: "cas",
  endpoint: "E1",
  expected,
  value,
  invokeNs: from * ms,
  returnNs: to * ms,
  outcome,
});
const readRegister = (value: string, from: number, to: number): Operation => ({
  kind: "read-register",
  endpoint: "E2",
  value,
  invokeNs: from * ms,
  returnNs: to * ms,
  outcome: "ok",
});
const swap = (value: string, found: [string, string]): Operation => ({
  kind: "swap",
  endpoint: "E1",
  value,
  found,
  invokeNs: 0,
  returnNs: 5 * ms,
  outcome: "ok",
});
const history = (operations: Operation[], sequences: number[], register = "start") => {
  const closing: Closing = {
    kind: "closing",
    invokeNs: 1000 * ms,
    returnNs: 1001 * ms,
    revision: 100,
    lastChange: 90,
    logs: { E1: sequences },
    register,
    pair: ["start", "start"],
  };
  return { operations, watched: [], closing };
};

test("a store that keeps every write and answers with the newest is correct", () => {
  const operations = [put(1, 0, 5), put(2, 10, 15), read(2, 16, 18), put(3, 20, 25), read(3, 22, 24)];
  expect(violations(history(operations, [1, 2, 3]))).toEqual([]);
});

test("an acknowledged write that is missing at the end is lost", () => {
  const lossy = history([put(1, 0, 5), put(2, 10, 15), put(3, 20, 25)], [1, 3]);
  expect(lostWrites(lossy)).toEqual(["E1/2"]);
  expect(violations(lossy)).toEqual(["acknowledged write E1/2 is lost"]);
});

test("the loss of the newest write is seen as well", () => {
  expect(violations(history([put(1, 0, 5), put(2, 10, 15)], [1]))).toEqual([
    "acknowledged write E1/2 is lost",
    "closing read of E1/1 is older than the write E1/2, which had returned 985.0 ms before it began",
  ]);
});

test("a write without an answer may be there, or not, or come late", () => {
  const operations = [put(1, 0, 5), put(2, 10, 15, "unknown"), put(3, 20, 25)];
  expect(violations(history(operations, [1, 2, 3]))).toEqual([]);
  expect(violations(history(operations, [1, 3]))).toEqual([]);
});

test("a refused write must not be there", () => {
  expect(violations(history([put(1, 0, 5, "fail")], [1]))).toEqual([
    "write E1/1 was refused and is in the store all the same",
  ]);
});

test("a read that misses a write acknowledged before it began is stale", () => {
  expect(violations(history([put(1, 0, 5), put(2, 10, 15), read(1, 16, 18)], [1, 2]))).toEqual([
    "read of E1/1 through E2 is older than the write E1/2, which had returned 1.0 ms before it began",
  ]);
});

test("stale reads are told apart from other violations", () => {
  const stale = read(1, 16, 18);
  const both = history([put(1, 0, 5), put(2, 10, 15), stale, put(3, 20, 25)], [1, 2]);
  expect(violations(both)).toHaveLength(3);
  expect(staleReads(both)).toEqual([
    { read: stale, text: expect.stringContaining("read of E1/1 through E2 is older") },
  ]);
});

test("a transaction is found whole or not at all", () => {
  expect(violations(history([swap("a", ["start", "start"])], []))).toEqual([]);
  expect(violations(history([swap("b", ["a", "start"])], []))).toEqual([
    "the swap to b found a and start, which no transaction wrote together",
  ]);
  const torn = history([], []);
  torn.closing.pair = ["a", "b"];
  expect(violations(torn)).toEqual(["the closing read found a and b, which no transaction wrote together"]);
});

test("a read during a write may see it or not", () => {
  expect(violations(history([put(1, 0, 5), put(2, 10, 20), read(1, 12, 14)], [1, 2]))).toEqual([]);
  expect(violations(history([put(1, 0, 5), put(2, 10, 20), read(2, 12, 14)], [1, 2]))).toEqual([]);
});

test("reads must not go back, even before the write that one of them saw is acknowledged", () => {
  const operations = [put(1, 0, 5), put(2, 10, 40), read(2, 12, 14), read(1, 16, 18)];
  expect(violations(history(operations, [1, 2]))).toEqual([
    "read of E1/1 through E2 is older than the read of E1/2 through E2, which had returned 2.0 ms before it began",
  ]);
});

test("a read cannot see a write before it was made", () => {
  expect(violations(history([read(1, 0, 5), put(1, 10, 15)], [1]))).toEqual([
    "write E1/1 is older than the read of E1/1 through E2, which had returned 5.0 ms before it began",
  ]);
});

test("changes of the register follow one another, one without an answer included", () => {
  const operations = [
    cas("start", "a", 0, 5),
    cas("a", "b", 10, 2010, "unknown"),
    readRegister("b", 15, 16),
    cas("b", "c", 20, 25),
  ];
  expect(violations(history(operations, [], "c"))).toEqual([]);
});

test("two changes of one value cannot both be acknowledged", () => {
  const operations = [cas("start", "a", 0, 5), cas("start", "b", 10, 15)];
  expect(violations(history(operations, [], "b"))).toEqual([
    "change of the shared register to a through E1 is not among the values that led to b",
  ]);
});

test("a read of the register must not miss an acknowledged change", () => {
  const operations = [cas("start", "a", 0, 5), cas("a", "b", 10, 15), readRegister("a", 20, 22)];
  expect(violations(history(operations, [], "b"))).toEqual([
    "read of the shared register, a through E2 is older than the change of the shared register to b through E1, which had returned 5.0 ms before it began",
  ]);
});

test("a value that nobody wrote is told", () => {
  expect(violations(history([], [], "x"))).toEqual(["the shared register held x, which nobody wrote"]);
});

test("the longest gap lies between acknowledgements, whichever endpoint gave them", () => {
  const operations = [put(1, 0, 10), put(2, 20, 30), put(3, 40, 1530), put(4, 50, 1540, "unknown"), put(5, 1535, 1550)];
  const window = { fromNs: 0, toNs: 1560 * ms };
  expect(longestGap(operations, window)).toEqual({ ms: 1500, fromNs: 30 * ms, toNs: 1530 * ms });
  expect(longestGap(operations, window, "E2").ms).toBe(1560);
});

test("writes that never come back are a gap up to the end of the window", () => {
  expect(longestGap([put(1, 0, 10)], { fromNs: 0, toNs: 5010 * ms }).ms).toBe(5000);
});

test("latencies are those of acknowledged writes that lie within the window", () => {
  const operations = [put(1, 0, 5), put(2, 10, 17), put(3, 20, 2020, "unknown"), put(4, 90, 110)];
  expect(putLatencies(operations, { fromNs: 5 * ms, toNs: 100 * ms })).toEqual([7]);
});

test("a history without its closing state is no proof", () => {
  const cutOff = `${JSON.stringify(put(1, 0, 5))}\n`;
  expect(() => parseHistory(cutOff)).toThrow(
    "the history of 1 lines has no closing state: the load generator did not end orderly",
  );
});
