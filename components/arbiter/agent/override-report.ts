import { objections } from "./override.ts";
import type { State } from "./state.ts";
import { type StatusReport, statusReport } from "./status.ts";
import type { Hello, Local } from "./world.ts";

/** What the sibling's agent said last, asking or answering, to this agent's process. */
export interface LastHello {
  /** ISO 8601. */
  at: string;
  hello: Hello;
}

/** What `GET /override` on the agent's socket answers. */
export interface OverrideReport extends StatusReport {
  /** Empty when the override is offered. */
  objections: string[];
  /** The disk here has failed, and no resync has made good what it missed. */
  diskFailed: boolean;
  /** The sibling has said that it went on from this node's generation. */
  superseded: boolean;
  lastHello: LastHello | null;
}

/** @param local read after the question came */
export function overrideReport(state: State, local: Local, lastHello: LastHello | null): OverrideReport {
  const { notes } = state;
  return {
    ...statusReport(state, local),
    objections: objections({ ...state, local }),
    diskFailed: notes.diskFailed,
    superseded: notes.superseded !== null && notes.superseded === local.volume.gen,
    lastHello,
  };
}
