import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type History, parseHistory, violations } from "../e2e/load/history.ts";
import { type Closing, type HistoryLine, logKey, type Operation } from "../e2e/load/operation.ts";
import { lateWatches } from "../e2e/load/watch.ts";
import { ensureChecker, judgeHistory } from "../torture/linearizability.ts";
import { clientUrls, EtcdCluster, eventually } from "./etcd-cluster.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-checker-"));
let checker: string;

beforeAll(async () => {
  checker = await ensureChecker();
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

async function verdicts(lines: readonly HistoryLine[]) {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  return (await judgeHistory(checker, text, folder)).verdicts;
}

const right = { store: "Ok", register: "Ok", pair: "Ok" };

describe("a history made by hand", () => {
  const base = { endpoint: "E1", outcome: "ok" } as const;
  const at = (invokeNs: number, returnNs: number, revision: number) => ({ ...base, invokeNs, returnNs, revision });
  const unanswered = (invokeNs: number) => ({ ...base, invokeNs, returnNs: invokeNs + 5, outcome: "unknown" }) as const;
  const put = (sequence: number, times: object) => ({ kind: "put", sequence, ...times }) as Operation;
  const read = (sequence: number, times: object) =>
    ({ kind: "read-log", writer: "E1", sequence, ...times }) as Operation;
  const cas = (expected: string, value: string, times: object) =>
    ({ kind: "cas", expected, value, ...times }) as Operation;
  const look = (value: string, times: object) => ({ kind: "read-register", value, ...times }) as Operation;
  const swap = (value: string, found: string, times: object) =>
    ({ kind: "swap", value, found: [found, found], ...times }) as Operation;
  const watch = (revision: number, key: string, value: string): HistoryLine => ({
    kind: "watch",
    endpoint: "E1",
    returnNs: 0,
    events: [{ revision, key, value }],
  });
  const closing = (revision: number, { logs = [1], register = "start", pair = "start" } = {}): Closing => ({
    kind: "closing",
    invokeNs: 1000,
    returnNs: 1001,
    revision,
    lastChange: revision,
    logs: { E1: logs },
    register,
    pair: [pair, pair],
  });

  it("of one correct store is linearizable", async () => {
    const lines = [
      put(1, at(0, 10, 11)),
      read(0, at(1, 5, 10)),
      read(1, at(2, 6, 11)),
      cas("start", "a", at(20, 30, 12)),
      look("a", at(31, 35, 12)),
      swap("p", "start", at(40, 50, 13)),
      closing(13, { register: "a", pair: "p" }),
    ];
    expect(await verdicts(lines)).toEqual(right);
  });

  it("may have changes without an answer, that happened or not", async () => {
    const happened = [
      put(1, at(0, 10, 11)),
      cas("start", "a", unanswered(20)),
      swap("p", "", unanswered(20)),
      watch(12, "register", "a"),
      watch(13, "pair/left", "p"),
      swap("q", "p", at(60, 70, 14)),
      closing(14, { register: "a", pair: "q" }),
    ];
    expect(await verdicts(happened)).toEqual(right);
    const not = [put(1, at(0, 10, 11)), cas("start", "a", unanswered(20)), put(2, unanswered(30)), closing(11)];
    expect(await verdicts(not)).toEqual(right);
  });

  it("may have a change that is known only by what a later one expected", async () => {
    const lines = [
      put(1, at(0, 10, 11)),
      cas("start", "a", unanswered(20)),
      cas("a", "b", unanswered(30)),
      watch(12, "register", "a"),
      watch(13, "register", "b"),
      look("b", at(60, 70, 13)),
      closing(13, { register: "b" }),
    ];
    expect(await verdicts(lines)).toEqual(right);
  });

  it("with a read of the past is not", async () => {
    const log = [put(1, at(0, 10, 11)), read(0, at(11, 15, 10)), closing(11)];
    expect(await verdicts(log)).toEqual({ ...right, store: "Illegal" });
    const register = [put(1, at(0, 5, 11)), cas("start", "a", at(6, 10, 12)), look("start", at(11, 15, 11))];
    expect(await verdicts([...register, closing(12, { register: "a" })])).toEqual({
      ...right,
      store: "Illegal",
      register: "Illegal",
    });
  });

  it("with a read that saw an unanswered change, and one after it that did not, is not", async () => {
    const lines = [
      put(1, at(0, 10, 11)),
      cas("start", "a", unanswered(20)),
      look("a", at(30, 35, 12)),
      look("start", at(40, 45, 11)),
      watch(12, "register", "a"),
      closing(12, { register: "a" }),
    ];
    expect(await verdicts(lines)).toEqual({ ...right, store: "Illegal", register: "Illegal" });
  });

  it("with an acknowledged write that is not there at the end is not", async () => {
    expect(await verdicts([put(1, at(0, 10, 11)), put(2, at(20, 30, 12)), closing(12)])).toEqual({
      ...right,
      store: "Illegal",
    });
  });

  it("with two changes of the same value is not, whatever their revisions", async () => {
    const lines = [put(1, at(0, 5, 11)), cas("start", "a", at(10, 20, 12)), cas("start", "b", at(30, 40, 13))];
    expect(await verdicts([...lines, closing(13, { register: "b" })])).toMatchObject({ register: "Illegal" });
    const swaps = [put(1, at(0, 5, 11)), swap("p", "start", at(10, 20, 12)), swap("q", "start", at(30, 40, 13))];
    expect(await verdicts([...swaps, closing(13, { pair: "q" })])).toMatchObject({ pair: "Illegal", store: "Illegal" });
  });

  it("with two changes at one revision is not: two stores went on", async () => {
    const lines = [put(1, at(0, 10, 11)), cas("start", "a", at(0, 10, 11)), closing(11, { register: "a" })];
    expect(await verdicts(lines)).toMatchObject({ store: "Illegal" });
  });

  it("with a value that was found before anybody wrote it is not", async () => {
    const lines = [put(1, at(0, 10, 11)), look("a", at(11, 12, 12)), cas("start", "a", unanswered(20))];
    expect(await verdicts([...lines, watch(12, "register", "a"), closing(12, { register: "a" })])).toEqual({
      ...right,
      store: "Illegal",
      register: "Illegal",
    });
  });

  it("must be complete", async () => {
    await expect(verdicts([put(1, at(0, 10, 11))])).rejects.toThrow("it has no closing state");
    await expect(verdicts([put(1, { ...base, invokeNs: 0, returnNs: 1 }), closing(11)])).rejects.toThrow(
      "line 1: an acknowledged put without a revision",
    );
  });
});

describe("the history of a real cluster", () => {
  let lines: HistoryLine[];
  let history: History;

  beforeAll(async () => {
    const cluster = await EtcdCluster.start();
    try {
      const urls = [clientUrls.E1, clientUrls.E2];
      await eventually(() => Promise.all(urls.map((url) => cluster.ask(url, "/v3/kv/range", { key: "YQ==" }))));
      const text = await load(urls, cluster.agentPki, 3000);
      lines = text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      history = parseHistory(text);
    } finally {
      await cluster.stop();
    }
  }, 120_000);

  it("is right for both judges, with watches that saw everything", async () => {
    expect(history.operations.length).toBeGreaterThan(100);
    expect(violations(history)).toEqual([]);
    expect(lateWatches(history)).toEqual([]);
    expect(await verdicts(lines)).toEqual(right);
  });

  it("with one answer of each kind taken back in time is wrong for both", async () => {
    const last = <K extends Operation["kind"]>(kind: K) =>
      lines.findLast((line) => line.kind === kind && line.outcome === "ok") as Extract<Operation, { kind: K }>;
    const changed = (line: Operation, change: object) =>
      lines.map((one) => (one === line ? ({ ...line, ...change } as Operation) : one));
    const texts = (changedLines: HistoryLine[]) =>
      violations(parseHistory(changedLines.map((line) => JSON.stringify(line)).join("\n")));

    const log = changed(last("read-log"), { sequence: last("read-log").sequence - 20 });
    expect(texts(log)).toHaveLength(1);
    expect(await verdicts(log)).toEqual({ ...right, store: "Illegal" });

    const register = changed(last("read-register"), { value: "start" });
    expect(texts(register)).toHaveLength(1);
    expect(await verdicts(register)).toMatchObject({ register: "Illegal", store: "Illegal" });

    const pair = changed(last("swap"), { found: ["start", "start"] });
    expect(await verdicts(pair)).toMatchObject({ pair: "Illegal", store: "Illegal" });
  });

  it("with an unseen change is wrong for the watches", () => {
    const first = logKey("E1", 1);
    const watched = history.watched.map((message) =>
      message.endpoint === "E2" ? { ...message, events: message.events.filter(({ key }) => key !== first) } : message,
    );
    expect(violations({ ...history, watched })).toEqual([
      expect.stringContaining(`the watch through E2 skipped ${first}`),
    ]);
  });
});

/** Runs the load generator for so long. @returns its history */
async function load(urls: readonly string[], pki: string, forMs: number): Promise<string> {
  const history = join(folder, "history.jsonl");
  const settings = {
    endpoints: urls.map((url, i) => ({ name: `E${i + 1}`, url })),
    tls: { ca: join(pki, "etcd-ca.crt"), cert: join(pki, "etcd-client.crt"), key: join(pki, "etcd-client.key") },
    writesPerSecond: 25,
    mix: "thorough",
    history,
  };
  const program = join(import.meta.dirname, "..", "e2e", "load", "main.ts");
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stdin.write(`${JSON.stringify(settings)}\n`);
  await sleep(forMs);
  child.stdin.end();
  expect(await ended).toBe(0);
  return readFileSync(history, "utf8");
}
