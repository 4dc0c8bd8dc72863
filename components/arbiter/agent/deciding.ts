import { initialState, type State, step } from "./core.ts";
import { say } from "./journal.ts";
import type { Action, CoreSettings, Event } from "./world.ts";

/** Events one at a time, each decided by the core and carried out before the next. */
export class Deciding {
  readonly #perform: (actions: readonly Action[]) => void;
  readonly #decided: (state: State) => void;
  readonly #queue: Event[] = [];
  #state: State;
  #busy = false;

  /** @param decided told after the last of the events that have come */
  constructor(settings: CoreSettings, perform: (actions: readonly Action[]) => void, decided: (state: State) => void) {
    this.#state = initialState(settings);
    this.#perform = perform;
    this.#decided = decided;
  }

  get state(): State {
    return this.#state;
  }

  /** What is thrown meanwhile ends the process here: a caller that caught it would let an agent go on that has not noted what it knows. */
  post(event: Event): void {
    this.#queue.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const decided = step(this.#state, next);
        this.#state = decided.state;
        this.#perform(decided.actions);
      }
      this.#decided(this.#state);
    } catch (error) {
      endAgent(error as Error);
    }
    this.#busy = false;
  }
}

/** Whatever is not understood ends the agent: systemd starts it again, and it reads everything anew. */
export function endAgent(error: Error): never {
  say("alarm", `the agent ends: ${error.stack ?? error}`);
  process.exit(1);
}
