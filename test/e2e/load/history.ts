/**
 * Checks of a client history. A log is read as "the newest sequence in it", so it only grows, like a counter; the shared
 * register takes values that are used once, each replacing a named one, so their order is known. For both this makes the
 * check of linearizability complete: order by position, then let no operation be older than what had returned before it began.
 */
import type {
  Closing,
  HistoryLine,
  LogRead,
  Operation,
  PutOperation,
  RegisterRead,
  WatchMessage,
} from "./operation.ts";
import { valueAtStart } from "./operation.ts";
import { watchViolations } from "./watch.ts";

export interface Gap {
  ms: number;
  /** When the last write before it was acknowledged, and the first one after it; monotonic nanoseconds. */
  fromNs: number;
  toNs: number;
}

/** A stretch of the monotonic clock, in nanoseconds. */
export interface Window {
  fromNs: number;
  toNs: number;
}

export interface History {
  operations: Operation[];
  /** In the order in which they came. */
  watched: WatchMessage[];
  closing: Closing;
}

/** A read of something older than what had returned before it began. */
export interface StaleRead {
  read: LogRead | RegisterRead;
  /** One sentence. */
  text: string;
}

/** @throws if the text is cut off before its closing line */
export function parseHistory(text: string): History {
  const lines = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HistoryLine);
  const closing = lines.at(-1);
  if (closing?.kind !== "closing")
    throw new Error(
      `the history of ${lines.length} lines has no closing state: the load generator did not end orderly`,
    );
  const watched = lines.filter((line) => line.kind === "watch");
  const operations = lines.filter((line) => line.kind !== "watch" && line.kind !== "closing");
  return { operations, watched, closing };
}

/** Acknowledged writes that are not in the store, as `endpoint/sequence`. */
export function lostWrites({ operations, closing }: History): string[] {
  const present = presentSequences(closing);
  return puts(operations)
    .filter((put) => put.outcome === "ok" && !present(put))
    .map((put) => `${put.endpoint}/${put.sequence}`);
}

/** Everything in a history that no single correct store could have answered; one sentence each. */
export function violations(history: History): string[] {
  return [
    ...lostWrites(history).map((write) => `acknowledged write ${write} is lost`),
    ...refusedWritesPresent(history),
    ...logProblems(history).map(({ text }) => text),
    ...registerProblems(history).map(({ text }) => text),
    ...tornTransactions(history),
    ...watchViolations(history),
  ];
}

/** Those of the violations that are reads of the past. */
export function staleReads(history: History): StaleRead[] {
  return [...logProblems(history), ...registerProblems(history)].flatMap(({ text, read }) =>
    read ? [{ read, text }] : [],
  );
}

/**
 * The longest time without an acknowledged write. The window's limits count as acknowledged, so that writes that never
 * come back show. An `endpoint` limits it to what that one acknowledged.
 */
export function longestGap(operations: readonly Operation[], window: Window, endpoint?: string): Gap {
  const times = operations
    .filter((one) => (one.kind === "put" || one.kind === "cas") && one.outcome === "ok")
    .filter((one) => endpoint === undefined || one.endpoint === endpoint)
    .map((one) => one.returnNs)
    .filter((time) => time > window.fromNs && time < window.toNs)
    .sort((a, b) => a - b);
  let longest: Gap = { ms: 0, fromNs: window.fromNs, toNs: window.fromNs };
  let last = window.fromNs;
  for (const time of [...times, window.toNs]) {
    const ms = (time - last) / 1e6;
    if (ms > longest.ms) longest = { ms, fromNs: last, toNs: time };
    last = time;
  }
  return longest;
}

/** Milliseconds that the acknowledged writes of new keys within a window took. */
export function putLatencies(operations: readonly Operation[], { fromNs, toNs }: Window): number[] {
  return puts(operations)
    .filter((put) => put.outcome === "ok" && put.invokeNs >= fromNs && put.returnNs <= toNs)
    .map((put) => (put.returnNs - put.invokeNs) / 1e6);
}

function puts(operations: readonly Operation[]): PutOperation[] {
  return operations.filter((one) => one.kind === "put");
}

function presentSequences(closing: Closing): (put: PutOperation) => boolean {
  const logs = new Map(Object.entries(closing.logs).map(([writer, sequences]) => [writer, new Set(sequences)]));
  return (put) => logs.get(put.endpoint)?.has(put.sequence) ?? false;
}

function refusedWritesPresent({ operations, closing }: History): string[] {
  const present = presentSequences(closing);
  return puts(operations)
    .filter((put) => put.outcome === "fail" && present(put))
    .map((put) => `write ${put.endpoint}/${put.sequence} was refused and is in the store all the same`);
}

interface Problem {
  text: string;
  /** What is stale. */
  read?: LogRead | RegisterRead;
}

function logProblems({ operations, closing }: History): Problem[] {
  return Object.entries(closing.logs).flatMap(([writer, sequences]) => {
    const steps: Step[] = [];
    for (const one of operations) {
      if (one.kind === "put" && one.endpoint === writer && one.outcome !== "fail")
        steps.push(stepOf(one, "write", one.sequence, `write ${writer}/${one.sequence}`));
      if (one.kind === "read-log" && one.writer === writer && one.outcome === "ok")
        steps.push(stepOf(one, "read", one.sequence, `read of ${writer}/${one.sequence} through ${one.endpoint}`));
    }
    const newest = Math.max(0, ...sequences);
    steps.push({ ...closing, what: "read", position: newest, name: `closing read of ${writer}/${newest}` });
    return orderProblems(steps);
  });
}

function registerProblems({ operations, closing }: History): Problem[] {
  const writeOf = new Map(
    operations.flatMap((one) => (one.kind === "cas" && one.outcome !== "fail" ? [[one.value, one] as const] : [])),
  );
  // Each value names the one it replaced: from the last value backwards the order is certain.
  const chain: string[] = [];
  for (let value = closing.register; value !== valueAtStart; ) {
    const write = writeOf.get(value);
    if (!write) return [{ text: `the shared register held ${value}, which nobody wrote` }];
    if (chain.includes(value)) return [{ text: `the shared register held ${value} twice` }];
    chain.unshift(value);
    value = write.expected;
  }
  const position = new Map([valueAtStart, ...chain].map((value, index) => [value, index]));
  const problems: Problem[] = [];
  const steps: Step[] = [];
  for (const one of operations) {
    if (one.kind !== "cas" && one.kind !== "read-register") continue;
    const at = position.get(one.value);
    if (one.outcome === "ok" && at === undefined)
      problems.push({ text: `${registerName(one)} is not among the values that led to ${closing.register}` });
    if (at === undefined || one.outcome === "fail" || (one.kind === "read-register" && one.outcome !== "ok")) continue;
    steps.push(stepOf(one, one.kind === "cas" ? "write" : "read", at, registerName(one)));
  }
  steps.push({
    ...closing,
    what: "read",
    position: chain.length,
    name: `closing read of the register, ${closing.register},`,
  });
  return [...problems, ...orderProblems(steps)];
}

function tornTransactions({ operations, closing }: History): string[] {
  const seen = operations.flatMap((one) =>
    one.kind === "swap" && one.outcome === "ok" ? [{ pair: one.found, by: `the swap to ${one.value}` }] : [],
  );
  return [...seen, { pair: closing.pair, by: "the closing read" }]
    .filter(({ pair: [left, right] }) => left !== right)
    .map(({ pair: [left, right], by }) => `${by} found ${left} and ${right}, which no transaction wrote together`);
}

function registerName(one: { kind: string; value: string; endpoint: string }): string {
  const what = one.kind === "cas" ? "change of the shared register to" : "read of the shared register,";
  return `${what} ${one.value} through ${one.endpoint}`;
}

interface Step {
  what: "read" | "write";
  position: number;
  invokeNs: number;
  /** Infinity for a write that may take effect at any later time. */
  returnNs: number;
  name: string;
  read?: LogRead | RegisterRead;
}

function stepOf(one: Exclude<Operation, { kind: "swap" }>, what: Step["what"], position: number, name: string): Step {
  const returnNs = one.outcome === "ok" ? one.returnNs : Infinity;
  const step = { what, position, invokeNs: one.invokeNs, returnNs, name };
  return one.kind === "put" || one.kind === "cas" ? step : { ...step, read: one };
}

/** An operation that began after another returned must not lie before it; a write must lie after it. */
function orderProblems(steps: readonly Step[]): Problem[] {
  const byInvoke = steps.toSorted((a, b) => a.invokeNs - b.invokeNs);
  const byReturn = steps.toSorted((a, b) => a.returnNs - b.returnNs);
  const problems: Problem[] = [];
  let newest: Step | undefined;
  let returned = 0;
  for (const one of byInvoke) {
    for (let next = byReturn[returned]; next && next.returnNs < one.invokeNs; next = byReturn[++returned])
      if (!newest || next.position > newest.position) newest = next;
    if (!newest || one.position > newest.position) continue;
    if (one.position === newest.position && one.what === "read") continue;
    const lateMs = ((one.invokeNs - newest.returnNs) / 1e6).toFixed(1);
    const text = `${one.name} is older than the ${newest.name}, which had returned ${lateMs} ms before it began`;
    problems.push(one.read ? { text, read: one.read } : { text });
  }
  return problems;
}
