import type { State } from "./state.ts";
import type { Action, Notes } from "./world.ts";

export interface Step {
  state: State;
  /** To be carried out in this order; a `note` is durable before anything after it happens. */
  actions: Action[];
}

/** One step's working copy; the state handed in is never changed. */
export class Draft {
  s: State;
  readonly actions: Action[] = [];

  /** The state before this event. */
  readonly before: State;

  constructor(state: State) {
    this.s = { ...state };
    this.before = state;
  }

  do(action: Action): void {
    this.actions.push(action);
  }

  note(notes: Notes): void {
    if (JSON.stringify(notes) === JSON.stringify(this.s.notes)) return;
    this.s.notes = notes;
    this.do({ kind: "note", notes });
  }

  id(): number {
    const id = this.s.nextId;
    this.s.nextId = id + 1;
    return id;
  }

  say(level: "info" | "warning" | "alarm", text: string): void {
    this.do({ kind: "say", level, text });
  }

  finish(): Step {
    return { state: this.s, actions: this.actions };
  }
}
