import { reliedOn } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { armed, connected, holder, type State } from "./state.ts";
import type { Verdict } from "./world.ts";

/** A promotion is answered at once: yes only to the owner of the claim on this generation (lock 2). */
export function answerPromotion(d: Draft, id: number): void {
  const { verdict: word, reason } = promotionVerdict(d.s);
  verdict(d, id, word, reason);
}

function promotionVerdict(s: State): { verdict: Verdict; reason: string } {
  const { volume } = s.local;
  const diskWillDo = volume.disk === "UpToDate" || volume.disk === "Consistent";
  if (connected(s) || !diskWillDo) return { verdict: "undecided", reason: "connected, or no whole copy here" };
  if (s.lost !== null && s.lost === volume.gen) return { verdict: "lost", reason: "the sibling owns the claim" };
  const won = armed(s) && reliedOn(s.notes, volume.gen) !== null;
  return won ? { verdict: "won", reason: "the claim is ours" } : { verdict: "undecided", reason: "no claim is ours" };
}

/** A frozen Primary's handler is answered when there is a verdict, and kept waiting until then (rule 5). */
export function answerHandler(d: Draft): void {
  const { volume } = d.s.local;
  if (d.s.asks.length === 0) return;
  let answer: { verdict: Verdict; reason: string } | null = null;
  if (connected(d.s) || !holder(d.s)) answer = { verdict: "undecided", reason: "the question is past" };
  else if (volume.disk !== "UpToDate") answer = { verdict: "undecided", reason: "this disk is not UpToDate" };
  else if (armed(d.s) && reliedOn(d.s.notes, volume.gen) !== null)
    answer = { verdict: "won", reason: "the claim is ours" };
  else if (d.s.lost !== null && d.s.lost === volume.gen)
    answer = { verdict: "lost", reason: "the sibling owns the claim" };
  if (answer === null) return;
  for (const id of d.s.asks) verdict(d, id, answer.verdict, answer.reason);
  d.s.asks = [];
}

export function verdict(d: Draft, id: number, word: Verdict, reason: string): void {
  d.do({ kind: "verdict", id, verdict: word, reason });
}
