import type { ClaimKey, Generation, Notes, Token, Verdict, WitnessAnswer, WitnessRequest } from "./world.ts";

/**
 * The claim of arbitration.md ("The claim, exactly") as a pure machine over requests and answers.
 *
 * A run asks one question at a time. `claim` moves our staged folder into place, `look` only reads (a disarmed node never
 * wins), `tidy` finishes an intent and releases what it won, `stage` lays out the next claim in advance.
 */
export interface ClaimRun {
  purpose: "claim" | "look" | "tidy" | "stage";
  key: ClaimKey;
  step: "move" | "restage" | "owner" | "released" | "release" | "stage";
  /** A missing staging folder is laid out again once per key; a second miss is undecided. */
  restaged: boolean;
}

/** What follows from an answer: the next question, or the end with a verdict. `notes` must be durable before either. */
export interface ClaimStep {
  notes: Notes;
  run: ClaimRun | null;
  request: WitnessRequest | null;
  verdict: Verdict | null;
  /** Every lower number of this generation is known to be released; a later run may start at this key. */
  firstOpen: ClaimKey | null;
  alarm: string | null;
}

export const sameKey = (a: ClaimKey, b: ClaimKey): boolean =>
  a.incarnation === b.incarnation && a.gen === b.gen && a.k === b.k;

const has = (keys: readonly ClaimKey[], key: ClaimKey): boolean => keys.some((other) => sameKey(other, key));
const add = (keys: readonly ClaimKey[], key: ClaimKey): ClaimKey[] => (has(keys, key) ? [...keys] : [...keys, key]);
const drop = (keys: readonly ClaimKey[], key: ClaimKey): ClaimKey[] => keys.filter((other) => !sameKey(other, key));

/** A won claim of this generation that no release has been begun for, in the adopted incarnation; none where this node waives. */
export function reliedOn(notes: Notes, gen: Generation | null): ClaimKey | null {
  if (gen === null || notes.adopted === null || gen === notes.superseded || gen === notes.waived) return null;
  const won = notes.won.filter((key) => key.incarnation === notes.adopted && key.gen === gen);
  return won.find((key) => !has(notes.releasing, key)) ?? null;
}

/** Intents of this generation, and claims won, that a reunion must finish and release. */
export function unfinished(notes: Notes, gen: Generation | null): ClaimKey | null {
  const ours = (key: ClaimKey) => key.incarnation === notes.adopted && key.gen === gen;
  return notes.intents.find(ours) ?? null;
}

/** Forgets every incarnation but `token`, with its verdicts, intents and releases. */
export function giveUpAllBut(notes: Notes, token: Token): Notes {
  const keep = (keys: ClaimKey[]) => keys.filter((key) => key.incarnation === token);
  return {
    ...notes,
    adopted: notes.adopted === token ? token : null,
    nothingBut: token,
    intents: keep(notes.intents),
    won: keep(notes.won),
    releasing: keep(notes.releasing),
    past: notes.adopted === token ? notes.past : [],
  };
}

/** Generations current on neither node are past: a generation never returns. Their folders are to be collected. */
export function forgetOtherGenerations(notes: Notes, gen: Generation, staged: ClaimKey | null): Notes {
  const keep = (keys: ClaimKey[]) => keys.filter((key) => key.gen === gen);
  const { intents, won, releasing } = notes;
  const seen = [...intents, ...won, ...releasing, ...(staged === null ? [] : [staged])].map((key) => key.gen);
  const past = [...new Set([...notes.past, ...seen.filter((other) => other !== gen)])];
  const now = (promised: Generation | null) => (promised === gen ? gen : null);
  const waiver = { waived: now(notes.waived), waiver: now(notes.waiver) };
  return {
    ...notes,
    intents: keep(intents),
    won: keep(won),
    releasing: keep(releasing),
    past,
    superseded: null,
    ...waiver,
  };
}

/** Begins a run. For `tidy` the key is the intent to finish; otherwise the first number not known to be released. */
export function begin(purpose: ClaimRun["purpose"], key: ClaimKey, notes: Notes): ClaimStep {
  if (purpose === "look") return ask(notes, { purpose, key, step: "owner", restaged: false });
  if (purpose === "stage") return ask(notes, { purpose, key, step: "owner", restaged: false });
  return move(notes, { purpose, key, step: "move", restaged: false });
}

/** Takes the answer to the run's question. `self` and `sibling` are the node names that owner files hold. */
export function advance(
  run: ClaimRun,
  answer: WitnessAnswer,
  notes: Notes,
  names: { self: string; sibling: string },
): ClaimStep {
  if (answer === "silence") return end(notes, "undecided");
  const { status, body } = answer;
  switch (run.step) {
    case "move":
      if (status === 201) return won(notes, run);
      if (status === 412 || status === 405) return ask(notes, { ...run, step: "owner" });
      if ((status === 404 || status === 409) && !run.restaged) return ask(notes, { ...run, step: "restage" });
      return end(notes, "undecided");
    case "restage":
      return status === 201 ? move(notes, { ...run, restaged: true }) : end(notes, "undecided");
    case "owner":
      return owner(run, status, body.trim(), notes, names);
    case "released":
      if (status === 200) return next(notes, run);
      // Another's claim that is not released: theirs for as long as our copy is stale.
      if (status === 404) return run.purpose === "tidy" ? finished(notes, run) : end(notes, "lost");
      return end(notes, "undecided");
    case "release":
      if (status !== 201 && status !== 204) return end(notes, "undecided");
      return run.purpose === "tidy" ? finished(notes, run) : next(notes, run);
    case "stage":
      return status === 201 ? { ...end(notes, null), firstOpen: run.key } : end(notes, "undecided");
  }
}

function owner(
  run: ClaimRun,
  status: number,
  body: string,
  notes: Notes,
  names: { self: string; sibling: string },
): ClaimStep {
  const looking = run.purpose === "look" || run.purpose === "stage";
  if (status === 404 && looking) {
    return run.purpose === "stage" ? ask(notes, { ...run, step: "stage" }) : end(notes, "undecided");
  }
  if (status === 404) {
    // The folder exists and names nobody: nginx fell back from rename to copy, or a hand was at work. Never k + 1.
    return { ...end(notes, "undecided"), alarm: `the claim ${name(run.key)} on the witness has no owner` };
  }
  if (status !== 200) return end(notes, "undecided");
  if (body === names.sibling) return ask(notes, { ...run, step: "released" });
  if (body !== names.self) {
    return { ...end(notes, "undecided"), alarm: `the claim ${name(run.key)} on the witness names an unknown owner` };
  }
  if (has(notes.releasing, run.key)) return ask(notes, { ...run, step: "release" });
  if (run.purpose === "look") return end(notes, "undecided");
  // Ours without a note of it (a replaced disk): released like any other, since staging happens only while together.
  if (run.purpose === "stage") return won(notes, { ...run, purpose: "tidy" });
  return won(notes, run);
}

function won(notes: Notes, run: ClaimRun): ClaimStep {
  const remembered = { ...notes, won: add(notes.won, run.key) };
  if (run.purpose !== "tidy") return { ...end(remembered, "won"), firstOpen: run.key };
  return ask({ ...remembered, releasing: add(notes.releasing, run.key) }, { ...run, step: "release" });
}

/** The intent has been answered for good: no late MOVE of this key can win any more. */
function finished(notes: Notes, run: ClaimRun): ClaimStep {
  const firstOpen = has(notes.releasing, run.key) ? { ...run.key, k: run.key.k + 1 } : null;
  return { ...end({ ...notes, intents: drop(notes.intents, run.key) }, null), firstOpen };
}

function next(notes: Notes, run: ClaimRun): ClaimStep {
  if (run.purpose === "tidy") return finished(notes, run);
  const key = { ...run.key, k: run.key.k + 1 };
  const following = begin(run.purpose, key, notes);
  return { ...following, firstOpen: key };
}

/** The intent is durable before the first MOVE: an answer that is lost must not be forgotten. */
function move(notes: Notes, run: ClaimRun): ClaimStep {
  return ask({ ...notes, intents: add(notes.intents, run.key) }, { ...run, step: "move" });
}

function ask(notes: Notes, run: ClaimRun): ClaimStep {
  const verbs = {
    move: "move",
    restage: "stage",
    stage: "stage",
    owner: "owner",
    released: "released",
    release: "release",
  } as const;
  const request: WitnessRequest = { verb: verbs[run.step], key: run.key };
  return { notes, run, request, verdict: null, firstOpen: null, alarm: null };
}

function end(notes: Notes, verdict: Verdict | null): ClaimStep {
  return { notes, run: null, request: null, verdict, firstOpen: null, alarm: null };
}

const name = (key: ClaimKey): string => `${key.gen}.${key.k}`;
