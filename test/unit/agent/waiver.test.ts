import { describe, expect, test } from "vitest";
import { checkHello } from "../../../components/arbiter/agent/hello.ts";
import { statusReport } from "../../../components/arbiter/agent/status.ts";
import type { Hello, Notes } from "../../../components/arbiter/agent/world.ts";
import { ADOPTED, HELLO, Scripted, VOLUME } from "./scripted.ts";

const running = { mounted: true, t: "running" } as const;
const HOLDS: Notes = { ...ADOPTED, waiver: "A0" };
const WAIVES: Notes = { ...ADOPTED, waived: "A0" };
const HOLDER: Partial<Hello> = { role: "Primary", t: "running", mounted: true };

/** The witness has been away for a while. */
const away = (node: Scripted): Scripted => node.heard(true).shows("tree").shows(null).fire("witnessAway");
const one = (notes = ADOPTED) => new Scripted(0).start(VOLUME.holder, running, notes);
const two = (notes = ADOPTED) => new Scripted(1).start(VOLUME.other, {}, notes);

/** The sibling asks; what it is answered, and what was done before that. */
function greeted(node: Scripted, change: Partial<Hello>): { hello: Hello; before: string[] } {
  const hello: Hello = { ...HELLO, node: node.state.settings.sibling, ...change };
  node.give({ kind: "greeting", id: 5, hello, local: node.local });
  const at = node.actions.findIndex(({ kind }) => kind === "reply");
  const reply = node.actions[at];
  if (reply?.kind !== "reply") throw new Error("no answer");
  return { hello: reply.hello, before: node.actions.slice(0, at).map(({ kind }) => kind) };
}
/** What the node asks its sibling now. */
function question(node: Scripted): Hello {
  if (node.state.exchange !== null) node.sibling(null);
  node.fire("greet");
  const found = node.actions.find(({ kind }) => kind === "greet");
  if (found?.kind !== "greet") throw new Error("no question");
  return found.hello;
}

describe("while the witness is away", () => {
  test("the holder asks for a waiver, and a witness that missed one question is not away", () => {
    expect(question(one().heard(true).shows("tree").shows(null)).waiver).toBe("none");
    expect(question(away(one())).waiver).toBe("wanted");
    expect(question(away(two())).waiver).toBe("none");
  });
  test("its sibling notes the promise before it answers", () => {
    const node = away(two());
    const { hello, before } = greeted(node, { ...HOLDER, waiver: "wanted" });
    expect(hello.waived).toBe("yes");
    expect(before).toContain("note");
    expect(node.state.notes.waived).toBe("A0");
  });
  test.each<[string, Scripted, Partial<Hello>]>([
    ["knows of a witness that answers", two().heard(true).shows("tree"), {}],
    ["is disarmed", away(two()).see(VOLUME.other, { disarmed: ["t1"] }), {}],
    ["holds a waiver itself", away(two(HOLDS)), {}],
    ["is asked by a node that is disarmed", away(two()), { disarmed: ["t1"] }],
    ["is asked by a node that is apart", away(two()), { connection: "StandAlone" }],
    ["is asked by a node with other data", away(two()), { gen: "B0" }],
    ["is asked by a node that holds nothing", away(two()), { role: "Secondary" }],
  ])("a node that %s promises nothing", (_, node, change) => {
    expect(greeted(node, { ...HOLDER, waiver: "wanted", ...change }).hello.waived).toBe("no");
    expect(node.state.notes.waived).toBeNull();
  });
  test("the holder notes the promise, of its own generation and while together", () => {
    expect(away(one()).sibling({ waived: "yes" }).state.notes.waiver).toBe("A0");
    expect(away(one()).sibling({ waived: "yes", gen: "B0" }).state.notes.waiver).toBeNull();
    expect(away(one()).sibling({ waived: "back" }).state.notes.waiver).toBeNull();
    expect(one().see(VOLUME.frozen).sibling({ waived: "yes" }).state.notes.waiver).toBeNull();
  });
});

describe("having the waiver", () => {
  const frozen = (notes = HOLDS, change = {}) =>
    away(one(notes))
      .heard(false)
      .see({ ...VOLUME.frozen, ...change }, { door: "closed" });

  test("a frozen holder's handler is answered at once, and the witness is asked nothing", () => {
    const node = frozen().ask("primary");
    expect(node.verdicts).toEqual(["won"]);
    expect(node.state.run).toBeNull();
  });
  test("without it the handler waits", () => {
    expect(frozen(ADOPTED).ask("primary").verdicts).toEqual([]);
  });
  test("of another generation, or one that the sibling has left, it is none", () => {
    expect(frozen({ ...HOLDS, waiver: "B0" }).ask("primary").verdicts).toEqual([]);
    const left = new Scripted(0).start(VOLUME.frozen, running, { ...HOLDS, superseded: "A0" });
    expect(left.ask("primary").verdicts).toEqual([]);
  });
  test("a copy that is not whole, or disarmed, does not go on", () => {
    expect(frozen(HOLDS, { disk: "Inconsistent" }).ask("primary").verdicts).toEqual(["undecided"]);
    expect(
      frozen(HOLDS)
        .see(VOLUME.frozen, { disarmed: ["t1"] })
        .ask("primary").verdicts,
    ).toEqual([]);
  });
  test("a Secondary is not promoted by it", () => {
    const node = new Scripted(0).start(VOLUME.booted, { door: "closed" }, HOLDS).heard(false).sibling(null);
    node.fire("bootOffset");
    expect(node.job).toBeUndefined();
    expect(node.ask("promotion").verdicts).toEqual(["undecided"]);
  });
});

describe("having promised", () => {
  const lone = (notes = WAIVES) =>
    two(notes).heard(true).shows("tree").heard(false).done(VOLUME.lone, { door: "closed" }).sibling(null);

  test("a node says so when it loses its sibling, and only looks at the witness", () => {
    const node = two(WAIVES).heard(true).shows("tree").heard(false).see(VOLUME.lone);
    expect(node.actions).toContainEqual(expect.objectContaining({ kind: "say", level: "alarm" }));
    node.fire("waitOffset");
    expect(node.request).toBe("owner");
    node.witness({ status: 404, body: "" });
    expect(node.jobs.map(({ name }) => name)).not.toContain("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["undecided"]);
  });
  test("nor does it rely on what it had won", () => {
    const won = [{ incarnation: "tree", gen: "A0", k: 0 }];
    expect(lone({ ...WAIVES, won }).jobs.map(({ name }) => name)).not.toContain("takeVolume");
    expect(lone({ ...ADOPTED, won }).jobs.map(({ name }) => name)).toContain("takeVolume");
  });
  test("status says what it waits for", () => {
    const node = lone();
    expect(statusReport(node.state, node.local)).toMatchObject({
      waiver: "given",
      waits: "for its sibling, as it has promised",
    });
  });
});

describe("the promise is given back", () => {
  const asks: Partial<Hello> = { waived: "back" };

  test("by a holder that is together, durably before it says so; a promise under way counts no more", () => {
    const node = one(HOLDS).heard(true).shows("tree");
    node.fire("greet");
    const { hello, before } = greeted(node, asks);
    expect(hello.waiver).toBe("returned");
    expect(before).toContain("note");
    expect(node.state).toMatchObject({ notes: { waiver: null }, exchange: null });
  });
  test.each([
    ["frozen", VOLUME.frozen],
    ["alone", VOLUME.solo],
  ])("not by one that is %s", (_, volume) => {
    const node = one(HOLDS).see(volume);
    expect(greeted(node, { ...asks, gen: volume.gen }).hello.waiver).not.toBe("returned");
    expect(node.state.notes.waiver).toBe("A0");
  });
  test("and taken back by the acknowledgement of the question that asked for it", () => {
    const node = two(WAIVES).heard(true).shows("tree");
    expect(question(node).waived).toBe("back");
    expect(node.sibling({ ...HOLDER, waiver: "returned" }).state.notes.waived).toBeNull();
  });
  test("not by another answer, or one that is older than a promise", () => {
    const silent = two(WAIVES).heard(true).shows("tree");
    question(silent);
    expect(silent.sibling({ ...HOLDER, waiver: "held" }).state.notes.waived).toBe("A0");

    const again = two(WAIVES).heard(true).shows("tree");
    question(again);
    again.shows(null);
    expect(greeted(again, { ...HOLDER, waiver: "wanted" }).hello.waived).toBe("yes");
    expect(again.sibling({ ...HOLDER, waiver: "returned" }).state.notes.waived).toBe("A0");
  });
  test("a holder that had promised asks for it, witness or not", () => {
    expect(question(away(one(WAIVES))).waived).toBe("back");
    expect(question(away(two(WAIVES))).waived).toBe("yes");
  });
  test("it ends with its generation", () => {
    const node = two({ ...WAIVES, waived: "0A" }).heard(true);
    expect(node.see({ ...VOLUME.other, peerRole: "Secondary" }).state.notes.waived).toBeNull();
  });
});

describe("status, while the witness is away", () => {
  const promised = { yes: false, why: "n2 has promised n1 to wait for it, because the witness did not answer" };
  const survives = (node: Scripted) => statusReport(node.state, node.local).survives;

  test("the holder knows that it survives its sibling, and not the other way round", () => {
    const node = away(one(HOLDS)).polled("E2").sibling({ waived: "yes" });
    expect(survives(node)).toMatchObject({ nodeOne: promised, nodeTwo: { yes: true }, witness: { yes: true } });
  });
  test("its sibling knows so when the holder says that it has the promise", () => {
    const node = away(two(WAIVES)).polled("E2");
    const silent = "the witness does not answer";
    expect(survives(node.sibling(HOLDER))).toMatchObject({ nodeOne: promised, nodeTwo: { yes: false, why: silent } });
    expect(survives(node.sibling({ ...HOLDER, waiver: "held" }))).toMatchObject({ nodeTwo: { yes: true } });
  });
});

test("an older agent, which does not speak of it, has promised nothing and wants nothing", () => {
  const { waived: _, waiver: __, ...older } = HELLO;
  const gen = "68798EAEE4968C1A";
  expect(checkHello({ ...older, gen }, "")).toMatchObject({ waived: "no", waiver: "none" });
});
