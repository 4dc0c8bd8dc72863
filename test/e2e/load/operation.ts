/** What the load generator writes down: one client operation, what a watch was sent, or the closing state of the store. */

/** `ok` took effect, `fail` did not and never will, `unknown` may take effect at any later moment. */
export type Outcome = "ok" | "fail" | "unknown";

interface Timed {
  /** The endpoint that was asked. */
  endpoint: string;
  /** Monotonic clock of the machine that runs the generator, nanoseconds. */
  invokeNs: number;
  returnNs: number;
  outcome: Outcome;
  /** Of an `ok` answer, the store's revision: a write's own, and for a read the one that it saw. */
  revision?: number;
  /** Why it is not `ok`. */
  error?: string;
}

/** A new key in the log of the endpoint's writer. Sequences count from 1 and are used once. */
export interface PutOperation extends Timed {
  kind: "put";
  sequence: number;
}

/** The shared register set to `value`, which no other operation uses, if it was `expected`. */
export interface CasOperation extends Timed {
  kind: "cas";
  expected: string;
  value: string;
}

/** Both keys of the pair set to `value`, which no other operation uses, and what they held before, in one transaction. */
export interface SwapOperation extends Timed {
  kind: "swap";
  value: string;
  /** Of an `ok` answer; the two are equal unless a transaction was torn. */
  found: [string, string];
}

/** A linearizable read of the newest sequence in a writer's log; 0 of an empty one. */
export interface LogRead extends Timed {
  kind: "read-log";
  writer: string;
  sequence: number;
}

/** A linearizable read of the shared register. */
export interface RegisterRead extends Timed {
  kind: "read-register";
  value: string;
}

export type Operation = PutOperation | CasOperation | SwapOperation | LogRead | RegisterRead;

/** What one endpoint's watch of all keys of the run was sent in one message. */
export interface WatchMessage {
  kind: "watch";
  endpoint: string;
  returnNs: number;
  /** In the order in which they came; keys without the run's prefix. */
  events: { revision: number; key: string; value: string }[];
}

/** Everything that was in the store after the last operation, read linearizably at one revision. */
export interface Closing {
  kind: "closing";
  invokeNs: number;
  returnNs: number;
  revision: number;
  /** The revision of the newest change. */
  lastChange: number;
  /** The sequences in each writer's log. */
  logs: Record<string, number[]>;
  register: string;
  pair: [string, string];
}

export type HistoryLine = Operation | WatchMessage | Closing;

/** What the shared register and the pair hold before the first change. */
export const valueAtStart = "start";

/** Keys of a run, without its prefix. */
export const registerKey = "register";
export const pairKeys = ["pair/left", "pair/right"] as const;

const mostSequences = 9_999_999_999;

/** The newest key of a log is the first: etcd reads only that one then, and not the whole log to sort it. */
export function logKey(writer: string, sequence: number): string {
  return `log/${writer}/${String(mostSequences - sequence).padStart(10, "0")}`;
}

export function nowNs(): number {
  return Number(process.hrtime.bigint());
}
