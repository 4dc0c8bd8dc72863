import { describe, expect, test } from "vitest";
import type { CoreSettings, Volume } from "../../../components/arbiter/agent/world.ts";
import { ADOPTED, Scripted, VOLUME } from "./scripted.ts";

const WON = { status: 201, body: "" };
const APART = { connection: "StandAlone", peerDisk: "Unknown" } as const;
const closed = { door: "closed" } as const;

const other = (settings: Partial<CoreSettings> = {}) =>
  new Scripted(1, settings).start(VOLUME.other).heard(true).shows("tree");
/** Loss confirmed, DRBD cut, the door closed; the offset runs. */
const waiting = (settings: Partial<CoreSettings> = {}) =>
  other(settings).heard(false).done(VOLUME.lone).done(VOLUME.lone, closed);
/** The promotion is under way before the claim is asked for. */
const ahead = () => waiting().fire("promoteAhead");
const lost = (node: Scripted) =>
  node.witness({ status: 412, body: "" }).witness({ status: 200, body: "n1" }).witness({ status: 404, body: "" });
const fail = (node: Scripted) =>
  node.give({ kind: "done", job: "takeVolume", ok: false, why: "refused", local: node.local });
const took = (node: Scripted) => node.jobs.some(({ name }) => name === "takeVolume");

describe("rule 3, begun ahead of the claim", () => {
  test("the volume is taken once the loss is confirmed and the door is closed, while the offset runs", () => {
    const node = other().heard(false);
    expect(node.job).toBe("disconnect");
    node.done(VOLUME.lone).fire("promoteAhead");
    expect(node.job).toBe("closeDoor");
    node.done(VOLUME.lone, closed);
    expect(node.job).toBe("takeVolume");
    expect(node.state.running).toContain("waitOffset");
    expect(node.state.run).toBeNull();
  });

  test("the claim is asked for when the offset has passed, beside the promotion", () => {
    const node = ahead();
    expect(node.request).toBeUndefined();
    expect(node.fire("waitOffset").request).toBe("move");
    expect(node.job).toBe("takeVolume");
  });

  test.each([
    [500, 0],
    [1000, 0],
    [2600, 1600],
  ])("an offset of %i ms lets it begin after %i ms", (waitOffsetMs, ms) => {
    const node = other({ waitOffsetMs }).heard(false).see(VOLUME.lone);
    expect(node.actions).toContainEqual({ kind: "timer", name: "promoteAhead", ms });
    expect(took(waiting({ waitOffsetMs }))).toBe(false);
  });

  test("not by a copy that was not connected since this boot", () => {
    const notes = { ...ADOPTED, connectedIn: "before" };
    const node = new Scripted(1).start(VOLUME.lone, closed, notes).heard(true).shows("tree").heard(false);
    expect(node.fire("promoteAhead").fire("waitOffset").job).toBeUndefined();
  });

  test.each<[string, Partial<Volume>]>([
    ["that is only Consistent", { disk: "Consistent" }],
    ["that is behind", { disk: "Outdated" }],
    ["whose generation is not known", { gen: null }],
  ])("not by a copy %s", (_, change) => {
    const node = other()
      .heard(false)
      .done(VOLUME.lone)
      .done({ ...VOLUME.lone, ...change }, closed);
    expect(took(node.fire("promoteAhead"))).toBe(false);
  });

  test("not by a disarmed node", () => {
    const node = waiting().see(VOLUME.lone, { disarmed: ["t1"] });
    expect(node.fire("promoteAhead").job).toBeUndefined();
  });

  test.each([
    ["silent", null],
    ["another", "newer"],
  ])("not while the witness is %s, and once it can be trusted", (_, token) => {
    const node = waiting().shows(token).fire("promoteAhead");
    expect(node.job).toBeUndefined();
    expect(node.shows("tree").job).toBe("takeVolume");
  });

  test("not when the claim is lost", () => {
    expect(took(lost(waiting().fire("waitOffset")).fire("promoteAhead"))).toBe(false);
  });

  test("not while the claim is undecided; once it is won after all", () => {
    const node = waiting().fire("waitOffset").witness("silence").fire("promoteAhead");
    expect(node.job).toBeUndefined();
    expect(node.fire("claimRetry").request).toBe("move");
    expect(node.job).toBeUndefined();
    expect(node.witness(WON).job).toBe("takeVolume");
  });

  test("not while the halves are about to meet, nor by a wait from before", () => {
    const node = waiting({ waitOffsetMs: 2600 }).heard(true).sibling(APART).done(VOLUME.lone, { door: "open" });
    expect([node.job, node.state.meeting]).toEqual(["connect", true]);
    expect(node.state.running).not.toContain("promoteAhead");
    expect(took(node)).toBe(false);
  });

  test("not while DRBD could still connect", () => {
    const node = waiting()
      .see({ ...VOLUME.lone, connection: "Connecting" })
      .fire("promoteAhead");
    expect(node.job).toBe("disconnect");
    expect(node.done(VOLUME.lone).job).toBe("takeVolume");
  });
});

describe("the question of a promotion that was begun ahead", () => {
  const asked = () => ahead().ask("promotion");
  const claiming = () => asked().fire("waitOffset");

  test("stays open until the claim is decided", () => {
    expect(asked().verdicts).toEqual([]);
    expect(claiming().verdicts).toEqual([]);
    expect(claiming().shows("tree").see(VOLUME.lone).verdicts).toEqual([]);
  });
  test("is answered won when the claim is won", () => {
    const node = claiming().witness(WON);
    expect(node.actions).toContainEqual(expect.objectContaining({ kind: "verdict", id: 7, verdict: "won" }));
    expect(node.verdicts).toEqual(["won"]);
  });
  test("is answered only after the claim is noted", () => {
    const kinds = claiming()
      .witness(WON)
      .actions.map(({ kind }) => kind);
    expect(kinds.indexOf("note")).toBeGreaterThanOrEqual(0);
    expect(kinds.indexOf("note")).toBeLessThan(kinds.indexOf("verdict"));
  });
  test("is answered lost when the claim is lost", () => {
    expect(lost(claiming()).verdicts).toEqual(["lost"]);
  });
  test("is answered undecided when the claim stays undecided", () => {
    expect(claiming().witness("silence").verdicts).toEqual(["undecided"]);
  });
  test.each<[string, (node: Scripted) => Scripted]>([
    ["the link is heard again", (node) => node.heard(true)],
    ["the promotion has ended", fail],
    ["the halves are connected", (node) => node.see(VOLUME.other)],
    ["the node is disarmed", (node) => node.see(VOLUME.lone, { disarmed: ["t1"] })],
    ["the copy is no longer whole", (node) => node.see({ ...VOLUME.lone, disk: "Inconsistent" })],
    ["the witness can no longer be trusted", (node) => node.shows(null)],
  ])("is answered undecided when %s", (_, change) => {
    expect(change(asked()).verdicts).toEqual(["undecided"]);
  });
  test("is answered once", () => {
    expect(claiming().witness(WON).see(VOLUME.lone).verdicts).toEqual(["won"]);
  });
  test("is not answered when the handler has gone", () => {
    expect(claiming().give({ kind: "askGone", id: 7 }).witness(WON).verdicts).toEqual([]);
  });
});

describe("any other promotion's question", () => {
  test("is answered at once while nothing is under way, or something else", () => {
    const closing = other().heard(false).done(VOLUME.lone);
    expect(closing.job).toBe("closeDoor");
    expect(closing.ask("promotion").verdicts).toEqual(["undecided"]);
    expect(waiting().ask("promotion").verdicts).toEqual(["undecided"]);
  });
  test("is answered at once in a takeover of a sibling that is heard", () => {
    const node = new Scripted(1)
      .start({ ...VOLUME.lone, peerDisk: "Outdated" }, closed)
      .heard(true)
      .shows("tree");
    expect(node.fire("deserted").job).toBeUndefined();
    expect(node.sibling(null).job).toBe("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["undecided"]);
  });
  test("is answered at once by the owner of the claim", () => {
    const node = waiting().fire("waitOffset").witness(WON);
    expect(node.job).toBe("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["won"]);
  });
});

describe("a promotion that was begun ahead and ran out of time", () => {
  const failed = () => fail(ahead().ask("promotion"));

  test("is not begun again in a circle", () => {
    const node = failed();
    expect(node.job).toBeUndefined();
    expect(node.fire("jobRetry").job).toBe("takeVolume");
  });
  test("begins again at once when the claim is won", () => {
    const node = failed().fire("waitOffset");
    expect(node.job).toBeUndefined();
    expect(node.witness(WON).job).toBe("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["undecided", "won"]);
  });
  test("does not begin again when the claim is lost", () => {
    expect(lost(failed().fire("waitOffset")).fire("jobRetry").job).toBeUndefined();
  });
});
