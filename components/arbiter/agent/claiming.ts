import { mayClaim } from "./alone.ts";
import { begin, type ClaimRun, type ClaimStep, sameKey, unfinished } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { alone, armed, fired, overrideUsed, type State, together, witnessTrusted } from "./state.ts";
import { mayWin } from "./waiver.ts";
import type { ClaimKey, Generation, WitnessAnswer } from "./world.ts";

/** Begins, gives up and chooses the work at the witness: one question at a time. */
export function keepClaim(d: Draft): void {
  const { volume } = d.s.local;
  if (d.s.run !== null && !stillWanted(d.s, d.s.run)) d.s.run = null;
  if (d.s.run !== null || volume.gen === null || d.s.notes.adopted === null) return;
  const owed = owedClaim(d.s);
  if (owed !== null) {
    if (!d.s.witnessHeld) launch(d, "claim", firstKey(d.s, d.s.notes.adopted, owed));
    return;
  }
  const key = firstKey(d.s, d.s.notes.adopted, volume.gen);
  if (mayClaim(d.s)) {
    const mayAsk = d.s.undecided !== volume.gen || fired(d.s, "claimRetry");
    if (mayAsk) launch(d, mayWin(d.s) ? "claim" : "look", key);
    return;
  }
  if (!together(d.s) || d.s.witnessHeld || d.s.shows !== d.s.notes.adopted) return;
  const intent = unfinished(d.s.notes, volume.gen);
  if (intent !== null) launch(d, "tidy", intent);
  else if (armed(d.s) && (d.s.staged === null || !sameKey(d.s.staged, key))) launch(d, "stage", key);
  else if (d.s.notes.past.length > 0 && d.s.collecting === null) {
    const { adopted: incarnation, past } = d.s.notes;
    d.s.collecting = { id: d.id(), past };
    d.do({ kind: "witness", id: d.s.collecting.id, request: { verb: "collect", incarnation, past } });
  }
}

/** The folders of these generations are gone, or their deletion is tried again later. */
export function collected(d: Draft, past: Generation[], answer: WitnessAnswer): void {
  d.s.collecting = null;
  if (answer === "silence" || answer.status !== 204) d.s.witnessHeld = true;
  else d.note({ ...d.s.notes, past: d.s.notes.past.filter((gen) => !past.includes(gen)) });
}

/**
 * The generation that this node has left by an override, without owning it: claimed afterwards, as soon as the witness can be
 * trusted, so that the sibling cannot win it when it comes back alone.
 */
function owedClaim(s: State): Generation | null {
  const { override, won, adopted } = s.notes;
  if (override === null || override.gen === s.local.volume.gen || !overrideUsed(s)) return null;
  const owned = won.some((key) => key.incarnation === adopted && key.gen === override.gen);
  return owned || s.lost === override.gen || !alone(s) || !witnessTrusted(s) ? null : override.gen;
}

function stillWanted(s: State, run: ClaimRun): boolean {
  const { gen } = s.local.volume;
  if (run.purpose === "claim" && run.key.incarnation === s.notes.adopted && run.key.gen === owedClaim(s)) return true;
  if (run.key.gen !== gen || run.key.incarnation !== s.notes.adopted) return false;
  if (run.purpose === "tidy" || run.purpose === "stage") return together(s);
  return mayClaim(s) && mayWin(s) === (run.purpose === "claim");
}

function firstKey(s: State, incarnation: string, gen: string): ClaimKey {
  const known = s.firstOpen;
  return known !== null && known.incarnation === incarnation && known.gen === gen ? known : { incarnation, gen, k: 0 };
}

function launch(d: Draft, purpose: ClaimRun["purpose"], key: ClaimKey): void {
  d.s.fired = d.s.fired.filter((name) => name !== "claimRetry");
  take(d, begin(purpose, key, d.s.notes), null);
}

export function take(d: Draft, result: ClaimStep, before: ClaimRun | null): void {
  d.note(result.notes);
  d.s.run = result.run;
  if (result.firstOpen !== null) d.s.firstOpen = result.firstOpen;
  if (result.alarm !== null) d.say("alarm", result.alarm);
  if (result.request !== null) {
    d.s.runId = d.id();
    d.do({ kind: "witness", id: d.s.runId, request: result.request });
    return;
  }
  if (before === null) return;
  const { gen } = before.key;
  if (before.purpose === "stage") d.s.staged = result.firstOpen;
  if (before.purpose === "stage" || before.purpose === "tidy") {
    // Also when the sibling still holds this claim: it releases it soon, and is not asked in a circle until then.
    d.s.witnessHeld = result.verdict !== null;
    return;
  }
  if (result.verdict === null) return;
  if (gen !== d.s.local.volume.gen) {
    // Owed for an override.
    if (result.verdict === "lost") d.s.lost = gen;
    d.s.witnessHeld = result.verdict === "undecided";
    return;
  }
  if (result.verdict === "undecided") d.s.undecided = gen;
  if (result.verdict === "won") {
    d.s.undecided = null;
    // A promotion that was begun ahead and ran out of time may begin again at once.
    if (d.s.held?.job === "takeVolume") d.s.held = null;
  }
  if (result.verdict === "lost") d.s.lost = gen;
  const what = { won: "is ours", lost: "is the sibling's", undecided: "stays undecided" }[result.verdict];
  d.say("info", `the claim on generation ${gen} ${what}`);
}
