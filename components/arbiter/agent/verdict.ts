import { claimIsComing, mayGoOn } from "./alone.ts";
import { reliedOn } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { armed, connected, holder, type State } from "./state.ts";
import { thawsByWaiver } from "./waiver.ts";
import type { Verdict } from "./world.ts";

type Answer = { verdict: Verdict; reason: string };

/** Answers every question of the fence-peer handler for which there is a verdict: yes only to the owner of the claim (lock 2). */
export function answerHandlers(d: Draft): void {
  d.s.promotions = answered(d, d.s.promotions, promotionAnswer);
  d.s.asks = answered(d, d.s.asks, primaryAnswer);
}

/** @returns the questions that stay open */
function answered(d: Draft, ids: number[], judge: (s: State) => Answer | null): number[] {
  if (ids.length === 0) return ids;
  const answer = judge(d.s);
  if (answer === null) return ids;
  for (const id of ids) verdict(d, id, answer.verdict, answer.reason);
  return [];
}

/** A promotion that was begun ahead waits for the claim; any other is answered at once. */
function promotionAnswer(s: State): Answer | null {
  const { volume } = s.local;
  const diskWillDo = volume.disk === "UpToDate" || volume.disk === "Consistent";
  if (!diskWillDo) return { verdict: "undecided", reason: "no whole copy here" };
  // Nothing of ours promotes before both are so; what was begun by hand is refused.
  if (s.local.door !== "closed" || volume.connection !== "StandAlone" || volume.splitBrain)
    return { verdict: "undecided", reason: "the halves are not kept apart, or they have split" };
  const decided = claimAnswer(s);
  if (decided !== null) return decided;
  const waits = s.job?.name === "takeVolume" && s.heard === false && armed(s) && claimIsComing(s);
  return waits ? null : { verdict: "undecided", reason: "no claim is ours" };
}

/** A frozen Primary's handler is kept waiting until there is a verdict (rule 5). */
function primaryAnswer(s: State): Answer | null {
  if (connected(s) || !holder(s)) return { verdict: "undecided", reason: "the question is past" };
  if (s.local.volume.disk !== "UpToDate") return { verdict: "undecided", reason: "this disk is not UpToDate" };
  return claimAnswer(s);
}

function claimAnswer(s: State): Answer | null {
  const { gen } = s.local.volume;
  if (armed(s) && mayGoOn(s)) {
    if (reliedOn(s.notes, gen) !== null) return { verdict: "won", reason: "the claim is ours" };
    const byWaiver = thawsByWaiver(s);
    return {
      verdict: "won",
      reason: byWaiver ? "the sibling has promised to wait" : "the operator has overridden the claim",
    };
  }
  if (gen !== null && s.lost === gen) return { verdict: "lost", reason: "the sibling owns the claim" };
  return null;
}

export function verdict(d: Draft, id: number, word: Verdict, reason: string): void {
  d.do({ kind: "verdict", id, verdict: word, reason });
}
