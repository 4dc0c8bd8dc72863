import { expect, test } from "vitest";
import type { Closing, Operation, WatchMessage } from "../../e2e/load/operation.ts";
import { logKey } from "../../e2e/load/operation.ts";
import { lateWatches, watchViolations } from "../../e2e/load/watch.ts";

const put = (sequence: number, revision?: number): Operation => ({
  kind: "put",
  endpoint: "E1",
  sequence,
  invokeNs: 0,
  returnNs: 1,
  outcome: revision === undefined ? "unknown" : "ok",
  ...(revision !== undefined && { revision }),
});
const event = (revision: number, sequence: number) => ({
  revision,
  key: logKey("E1", sequence),
  value: String(sequence),
});
const message = (endpoint: string, ...events: WatchMessage["events"]): WatchMessage => ({
  kind: "watch",
  endpoint,
  returnNs: 1,
  events,
});
const closing: Closing = {
  kind: "closing",
  invokeNs: 2,
  returnNs: 3,
  revision: 11,
  lastChange: 11,
  logs: {},
  register: "",
  pair: ["", ""],
};
const key = (sequence: number) => logKey("E1", sequence);

test("every change once and in order is right, however it is cut into messages", () => {
  const operations = [put(1, 10), put(2, 11), put(3, 12)];
  const watched = [
    message("E1", event(10, 1)),
    message("E2", event(10, 1), event(11, 2)),
    message("E1", event(11, 2), event(12, 3)),
    message("E2", event(12, 3)),
  ];
  expect(watchViolations({ operations, watched })).toEqual([]);
});

test("a transaction's changes share one revision", () => {
  const both = ["pair/left", "pair/right"].map((key) => ({ revision: 10, key, value: "a" }));
  expect(watchViolations({ operations: [], watched: [message("E1", ...both)] })).toEqual([]);
  expect(
    watchViolations({ operations: [], watched: [message("E1", ...both), message("E2", ...both.slice(1))] }),
  ).toEqual(["the watch through E2 skipped pair/left at revision 10"]);
});

test("a change that only another watch, or only the writer, knows of was skipped", () => {
  const watched = [message("E1", event(10, 1), event(11, 2), event(12, 3)), message("E2", event(10, 1), event(12, 3))];
  expect(watchViolations({ operations: [], watched })).toEqual([
    `the watch through E2 skipped ${key(2)} at revision 11`,
  ]);
  const alone = [message("E1", event(10, 1), event(12, 3))];
  expect(watchViolations({ operations: [put(2, 11)], watched: alone })).toEqual([
    `the watch through E1 skipped ${key(2)} at revision 11`,
  ]);
});

test("what comes after the last message of a watch was not skipped, it is late", () => {
  const operations = [put(1, 10), put(2, 11)];
  const watched = [message("E1", event(10, 1), event(11, 2)), message("E2", event(10, 1))];
  expect(watchViolations({ operations, watched })).toEqual([]);
  expect(lateWatches({ operations, watched, closing })).toEqual(["E2"]);
  expect(lateWatches({ operations, watched: [...watched, message("E2", event(11, 2))], closing })).toEqual([]);
});

test("a watch that was sent nothing is late", () => {
  expect(lateWatches({ operations: [put(1, 10)], watched: [], closing })).toEqual(["E1"]);
});

test("a change must not come twice, nor after a later one", () => {
  expect(
    watchViolations({ operations: [], watched: [message("E1", event(10, 1)), message("E1", event(10, 1))] }),
  ).toEqual([`the watch through E1 told of ${key(1)} = 1 at revision 10 twice`]);
  expect(watchViolations({ operations: [], watched: [message("E1", event(11, 2), event(10, 1))] })).toEqual([
    `the watch through E1 told of ${key(1)} = 1 at revision 10 after revision 11`,
  ]);
});

test("one revision of a key has one value, for every watch and for its writer", () => {
  const other = { revision: 10, key: key(1), value: "7" };
  const watched = [message("E1", event(10, 1)), message("E2", other)];
  expect(watchViolations({ operations: [], watched })).toEqual([
    `the watch through E2 told of ${key(1)} = 7 at revision 10, and E1 of the value 1 in its place`,
  ]);
  expect(watchViolations({ operations: [put(1, 10)], watched: [message("E2", other)] })).toEqual([
    `the watch through E2 told of ${key(1)} = 7 at revision 10, where E1 wrote 1`,
  ]);
});
