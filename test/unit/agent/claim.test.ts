import { describe, expect, test } from "vitest";
import {
  advance,
  begin,
  type ClaimRun,
  type ClaimStep,
  forgetOtherGenerations,
  giveUpAllBut,
  reliedOn,
} from "../../../components/arbiter/agent/claim.ts";
import { type ClaimKey, EMPTY_NOTES, type Notes, type WitnessAnswer } from "../../../components/arbiter/agent/world.ts";

const NAMES = { self: "n1", sibling: "n2" };
const KEY: ClaimKey = { incarnation: "tree", gen: "A0", k: 0 };
const NEXT: ClaimKey = { ...KEY, k: 1 };
const NOTES: Notes = { ...EMPTY_NOTES, adopted: "tree", nothingBut: "tree" };

const status = (code: number, body = ""): WitnessAnswer => ({ status: code, body });

/** Begins a run and hands it these answers, one to each question. */
function run(
  purpose: ClaimRun["purpose"],
  answers: WitnessAnswer[],
  notes = NOTES,
  key = KEY,
): ClaimStep & { asked: string[] } {
  let step = begin(purpose, key, notes);
  const asked: string[] = [];
  for (const answer of answers) {
    if (step.run === null || step.request === null) throw new Error(`the run ended after ${asked.join(", ")}`);
    asked.push(question(step));
    step = advance(step.run, answer, step.notes, NAMES);
  }
  if (step.request !== null) asked.push(question(step));
  return { ...step, asked };
}

const question = (step: ClaimStep): string =>
  step.request === null || step.run === null ? "" : `${step.request.verb} ${step.run.key.k}`;

describe("claim: MOVE", () => {
  test("the intent is noted before the first MOVE is sent", () => {
    const step = begin("claim", KEY, NOTES);
    expect(step.request).toEqual({ verb: "move", key: KEY });
    expect(step.notes.intents).toEqual([KEY]);
  });
  test("201 is won, and noted", () => {
    const step = run("claim", [status(201)]);
    expect(step.verdict).toBe("won");
    expect(reliedOn(step.notes, "A0")).toEqual(KEY);
  });
  test.each([412, 405])("%i asks for the owner", (code) => {
    expect(run("claim", [status(code)]).asked).toEqual(["move 0", "owner 0"]);
  });
  test.each([404, 409])("%i stages again, once", (code) => {
    const step = run("claim", [status(code), status(201), status(code)]);
    expect(step.asked).toEqual(["move 0", "stage 0", "move 0"]);
    expect(step.verdict).toBe("undecided");
  });
  test("staging that fails leaves it undecided", () => {
    expect(run("claim", [status(404), status(507)]).verdict).toBe("undecided");
  });
  test.each([
    "silence" as const,
    status(500),
    status(200),
    status(204),
    status(301),
    status(403),
  ])("%o is undecided, and the intent stays", (answer) => {
    const step = run("claim", [answer]);
    expect(step.verdict).toBe("undecided");
    expect(step.notes.intents).toEqual([KEY]);
    expect(reliedOn(step.notes, "A0")).toBeNull();
  });
});

describe("claim: the folder exists", () => {
  const exists = status(412);
  test("mine, no release begun: won", () => {
    expect(run("claim", [exists, status(200, "n1\n")]).verdict).toBe("won");
  });
  test("mine, release begun: released again, then the next number", () => {
    const notes = { ...NOTES, releasing: [KEY] };
    const step = run("claim", [exists, status(200, "n1"), status(204)], notes);
    expect(step.asked).toEqual(["move 0", "owner 0", "release 0", "move 1"]);
    expect(step.notes.intents).toEqual([KEY, NEXT]);
    expect(step.firstOpen).toEqual(NEXT);
  });
  test("mine, release begun, no answer to the release: undecided, never won", () => {
    const notes = { ...NOTES, won: [KEY], releasing: [KEY] };
    const step = run("claim", [exists, status(200, "n1"), "silence"], notes);
    expect(step.verdict).toBe("undecided");
    expect(reliedOn(step.notes, "A0")).toBeNull();
  });
  test("another's and released: the next number", () => {
    const step = run("claim", [exists, status(200, "n2"), status(200)]);
    expect(step.asked).toEqual(["move 0", "owner 0", "released 0", "move 1"]);
  });
  test("another's and not released: lost", () => {
    expect(run("claim", [exists, status(200, "n2"), status(404)]).verdict).toBe("lost");
  });
  test("another's, and the release cannot be read: undecided", () => {
    expect(run("claim", [exists, status(200, "n2"), status(503)]).verdict).toBe("undecided");
  });
  test.each([
    status(404),
    status(200, ""),
    status(200, "n3"),
  ])("no known owner (%o): undecided with an alarm, never the next", (answer) => {
    const step = run("claim", [exists, answer]);
    expect(step.verdict).toBe("undecided");
    expect(step.alarm).toMatch(/A0\.0/);
    expect(step.request).toBeNull();
  });
});

describe("look: a disarmed node only reads", () => {
  test("nothing there is undecided, and nothing is noted", () => {
    const step = run("look", [status(404)]);
    expect(step).toMatchObject({ verdict: "undecided", notes: NOTES, alarm: null });
  });
  test("another's unreleased claim is lost", () => {
    expect(run("look", [status(200, "n2"), status(404)]).verdict).toBe("lost");
  });
  test("its own claim is not won", () => {
    expect(run("look", [status(200, "n1")]).verdict).toBe("undecided");
  });
  test("a released one is passed by, reading on", () => {
    expect(run("look", [status(200, "n2"), status(200)]).asked).toEqual(["owner 0", "released 0", "owner 1"]);
  });
});

describe("tidy: an intent is finished and released", () => {
  test("won: the release is noted before it is sent, then the intent is dropped", () => {
    const middle = run("tidy", [status(201)]);
    expect(middle.notes.releasing).toEqual([KEY]);
    expect(reliedOn(middle.notes, "A0")).toBeNull();
    const end = run("tidy", [status(201), status(201)]);
    expect(end.notes.intents).toEqual([]);
    expect(end.firstOpen).toEqual(NEXT);
  });
  test("another's: finished", () => {
    expect(run("tidy", [status(412), status(200, "n2"), status(404)]).notes.intents).toEqual([]);
  });
  test.each(["silence" as const, status(500)])("%o keeps the intent", (answer) => {
    expect(run("tidy", [answer]).notes.intents).toEqual([KEY]);
  });
  test("a release without an answer keeps the intent", () => {
    expect(run("tidy", [status(201), "silence"]).notes.intents).toEqual([KEY]);
  });
});

describe("stage", () => {
  test("lays out the first number that is free", () => {
    const step = run("stage", [status(200, "n2"), status(200), status(404), status(201)]);
    expect(step.asked).toEqual(["owner 0", "released 0", "owner 1", "stage 1"]);
    expect(step.firstOpen).toEqual(NEXT);
  });
  test("a claim of its own that it does not know is released", () => {
    const step = run("stage", [status(200, "n1")]);
    expect(step.asked).toEqual(["owner 0", "release 0"]);
    expect(step.notes.releasing).toEqual([KEY]);
  });
});

describe("notes", () => {
  const other: ClaimKey = { ...KEY, incarnation: "old" };
  test("giving up an incarnation takes its verdicts, intents and releases along", () => {
    const notes = { ...NOTES, adopted: "old", intents: [other, KEY], won: [other], releasing: [other] };
    const after = giveUpAllBut(notes, "tree");
    expect(after).toMatchObject({ adopted: null, nothingBut: "tree", intents: [KEY], won: [], releasing: [] });
  });
  test("a claim in another incarnation is not relied on", () => {
    expect(reliedOn({ ...NOTES, won: [other] }, "A0")).toBeNull();
  });
  test("a claim on another generation is not relied on", () => {
    expect(reliedOn({ ...NOTES, won: [KEY] }, "B0")).toBeNull();
  });
  test("past generations are remembered for collection, and their claims forgotten", () => {
    const after = forgetOtherGenerations({ ...NOTES, won: [KEY], intents: [KEY] }, "B0", null);
    expect(after).toMatchObject({ won: [], intents: [], past: ["A0"] });
  });
});
