/** What the load generator writes down: one client operation, or the closing state of the store. */

/** `ok` took effect, `fail` did not and never will, `unknown` may take effect at any later moment. */
export type Outcome = "ok" | "fail" | "unknown";

interface Timed {
  /** The endpoint that was asked. */
  endpoint: string;
  /** Monotonic clock of the machine that runs the generator, nanoseconds. */
  invokeNs: number;
  returnNs: number;
  outcome: Outcome;
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

export type Operation = PutOperation | CasOperation | LogRead | RegisterRead;

/** Everything that was in the store after the last operation, read linearizably. */
export interface Closing {
  kind: "closing";
  invokeNs: number;
  returnNs: number;
  /** The sequences in each writer's log. */
  logs: Record<string, number[]>;
  register: string;
}

export type HistoryLine = Operation | Closing;

/** What the shared register holds before the first compare-and-swap. */
export const registerAtStart = "start";

export function nowNs(): number {
  return Number(process.hrtime.bigint());
}
