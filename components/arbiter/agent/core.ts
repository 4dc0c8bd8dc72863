import { keepClaim } from "./claiming.ts";
import { Draft, type Step } from "./draft.ts";
import { followLocal, learn } from "./learn.ts";
import { RULES, type Rule } from "./rules.ts";
import type { State } from "./state.ts";
import { answerHandlers } from "./verdict.ts";
import { keepTimers, work } from "./work.ts";
import type { Event } from "./world.ts";

export type { Step } from "./draft.ts";
export type { State } from "./state.ts";
export { initialState } from "./state.ts";

/**
 * The whole agent: pure, without clock, I/O or randomness. An event changes what is known; then the tables say what
 * follows from what is known. `rules` is a parameter so that a test can switch one off and see what it was good for.
 */
export function step(state: State, event: Event, rules: readonly Rule[] = RULES): Step {
  const draft = new Draft(state);
  if (state.bootId === null && event.kind !== "start") return draft.finish();
  learn(draft, event);
  followLocal(draft);
  answerHandlers(draft);
  keepClaim(draft);
  work(draft, rules);
  answerHandlers(draft);
  keepTimers(draft);
  return draft.finish();
}
