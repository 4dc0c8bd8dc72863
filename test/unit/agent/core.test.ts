import { describe, expect, test } from "vitest";
import type { Hello } from "../../../components/arbiter/agent/world.ts";
import { ADOPTED, Scripted, VOLUME } from "./scripted.ts";

const WON = { status: 201, body: "" };
const APART = { connection: "StandAlone", peerDisk: "Unknown" } as const;
const running = { mounted: true, t: "running" } as const;

const holder = () => new Scripted(0).start(VOLUME.holder, running).heard(true).shows("tree");
const other = () => new Scripted(1).start(VOLUME.other).heard(true).shows("tree");

describe("rule 2: the sibling is lost", () => {
  test("the holder claims as soon as it is frozen", () => {
    expect(holder().see(VOLUME.frozen).request).toBe("move");
  });
  test("the holder is thawed by its handler when it has won", () => {
    expect(holder().see(VOLUME.frozen).ask("primary").witness(WON).verdicts).toEqual(["won"]);
  });
  test("a handler that asks later, of another process, is answered from the notes", () => {
    const notes = { ...ADOPTED, won: [{ incarnation: "tree", gen: "A0", k: 0 }] };
    expect(new Scripted(0).start(VOLUME.frozen, running, notes).ask("primary").verdicts).toEqual(["won"]);
  });
  test("the other disconnects, waits for its offset, and claims", () => {
    const node = other().heard(false);
    expect(node.job).toBe("disconnect");
    node.done(VOLUME.lone);
    expect(node.request).toBeUndefined();
    expect(node.fire("waitOffset").request).toBe("move");
  });
  test("node one waits for nothing when it is the other", () => {
    const node = new Scripted(0).start(VOLUME.other).heard(true).shows("tree").heard(false);
    expect(node.done(VOLUME.lone).request).toBe("move");
  });
  test("a witness that is away or new leaves the loss to DRBD", () => {
    expect(other().shows(null).heard(false).job).toBeUndefined();
    expect(other().shows("newer").heard(false).job).toBeUndefined();
  });
  test("a Primary without its disk does not claim (trace 11)", () => {
    expect(holder().see({ ...VOLUME.frozen, disk: "Diskless", gen: null }).request).toBeUndefined();
    expect(holder().see({ ...VOLUME.frozen, disk: "Diskless" }).request).toBeUndefined();
  });
});

describe("rule 3: the claim is won", () => {
  const winner = () => other().heard(false).done(VOLUME.lone).fire("waitOffset").witness(WON);

  test("door, promotion, and T behind the start gate", () => {
    const node = winner();
    expect(node.job).toBe("closeDoor");
    node.done(VOLUME.lone, { door: "closed" });
    expect(node.job).toBe("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["won"]);
    node.done(VOLUME.solo, { mounted: true });
    expect(node.job).toBeUndefined();
    expect(node.polled("E2").job).toBe("startT");
  });

  const promoted = () => winner().done(VOLUME.lone, { door: "closed" }).done(VOLUME.solo, { mounted: true });
  test("the gate: another leader keeps it shut", () => {
    expect(promoted().polled("E1").job).toBeUndefined();
  });
  test("the gate opens when the sibling says that its T is dead", () => {
    expect(
      promoted()
        .polled("none")
        .sibling({ ...APART, t: "dying" }).job,
    ).toBeUndefined();
    expect(
      promoted()
        .polled("none")
        .sibling({ ...APART, t: "dead", role: "Primary" }).job,
    ).toBe("startT");
  });
  test("the gate opens after the hold-off", () => {
    expect(promoted().polled("none").fire("readHoldOff").job).toBe("startT");
  });
  test("what was known before the takeover does not open it", () => {
    const node = other();
    node.polled("E2").sibling({ role: "Primary", t: "dead" });
    node.heard(false).done(VOLUME.lone).fire("waitOffset").witness(WON);
    node.done(VOLUME.lone, { door: "closed" });
    expect(node.done(VOLUME.solo, { mounted: true }).job).toBeUndefined();
  });
  test("T that was killed in place starts again without the gate, behind the door", () => {
    const node = holder().see(VOLUME.frozen).see(VOLUME.frozen, { t: "dying" }).witness(WON);
    node.see({ ...VOLUME.solo }, { t: "dead" });
    expect(node.job).toBe("closeDoor");
    expect(node.done(VOLUME.solo, { door: "closed" }).job).toBe("startT");
  });
});

/** Loss confirmed, DRBD cut, the door closed while the offset runs. */
const waiting = () => other().heard(false).done(VOLUME.lone).done(VOLUME.lone, { door: "closed" });

test("the other closes its door while it waits", () => {
  expect(other().heard(false).done(VOLUME.lone).job).toBe("closeDoor");
  expect(waiting().job).toBeUndefined();
});

describe("rule 4: the claim is lost", () => {
  const answers = (node: Scripted) =>
    node
      .witness({ status: 412, body: "" })
      .witness({ status: 200, body: node.state.settings.sibling })
      .witness({ status: 404, body: "" });

  test("the holder tells its handler and lets go", () => {
    const node = answers(holder().see(VOLUME.frozen).ask("primary"));
    expect(node.verdicts).toEqual(["lost"]);
    expect(node.job).toBe("letGo");
  });
  test("the other does nothing", () => {
    const node = answers(waiting().fire("waitOffset"));
    expect(node.job).toBeUndefined();
    expect(node.ask("promotion").verdicts).toEqual(["lost"]);
  });
});

describe("rule 5: the witness is silent", () => {
  const undecided = () => holder().see(VOLUME.frozen).ask("primary").witness("silence");

  test("the holder stays frozen, asks again, and kills T after the limit", () => {
    const node = undecided();
    expect(node.verdicts).toEqual([]);
    expect(node.fire("claimRetry").request).toBe("move");
    expect(node.fire("killLimit").job).toBe("killT");
  });
  test("the other never promotes", () => {
    const node = waiting().fire("waitOffset").witness("silence");
    expect(node.job).toBeUndefined();
    expect(node.ask("promotion").verdicts).toEqual(["undecided"]);
  });
  test("the generation that the sibling left is lost, whatever the witness says", () => {
    const node = undecided().sibling({ ...APART, role: "Primary", gen: "B0", left: "A0", claim: "won" });
    expect(node.verdicts).toEqual(["lost"]);
    expect(node.job).toBe("letGo");
  });
  test("so it is while no incarnation is adopted, when the witness must not be asked", () => {
    const node = new Scripted(0).start(VOLUME.holder, running, { ...ADOPTED, adopted: null }).heard(true);
    node.see(VOLUME.frozen).ask("primary");
    expect(node.request).toBeUndefined();
    expect(node.sibling({ ...APART, role: "Primary", gen: "B0", left: "A0" }).job).toBe("letGo");
  });
  test("a sibling whose disk is behind cannot promote: as good as won", () => {
    expect(undecided().sibling({ ...APART, disk: "Outdated" }).verdicts).toEqual(["won"]);
    const diskless = holder()
      .see({ ...VOLUME.frozen, disk: "Diskless" })
      .ask("primary");
    expect(diskless.sibling({ ...APART, disk: "Outdated" }).verdicts).not.toContain("won");
  });
  test("a sibling that waits with the same data is met", () => {
    const node = undecided().sibling(APART);
    expect(node.state.meeting).toBe(true);
    expect(node.job).toBe("connect");
  });
  test.each([
    ["was rebooted", { fresh: true, disk: "Consistent" }],
    ["could rely on a claim", { claim: "won" }],
    ["has other data", { gen: "C0" }],
  ] as const)("a sibling that %s is not: the volume is let go", (_, change) => {
    expect(undecided().sibling({ ...APART, ...change }).job).toBe("letGo");
  });
  test("a sibling that believes it is connected is waited for", () => {
    const node = undecided().sibling({ connection: "Connected", fresh: true });
    expect(node.job).toBeUndefined();
  });
  test("a claim that was won in the meantime is not let go", () => {
    const node = undecided().sibling({ ...APART, fresh: true });
    expect(node.job).toBe("letGo");
    const won = undecided().fire("claimRetry");
    won.state = { ...won.state, condemned: true, job: null };
    expect(won.witness(WON).verdicts).toEqual(["won"]);
    expect(won.job).toBeUndefined();
  });
});

describe("rule 6: the door", () => {
  const closed = { door: "closed" } as const;
  const apart = () => new Scripted(1).start(VOLUME.lone, closed).heard(true).shows("tree");

  test.each([
    ["is not Primary and its T is dead", { role: "Secondary" }],
    ["is thawed with this disk outdated", { role: "Primary", t: "running", peerDisk: "Outdated", gen: "B0" }],
    ["is frozen and undecided on this generation", { role: "Primary", t: "dying", frozen: true }],
  ] as const)("opens to a sibling that %s", (_, change) => {
    const node = apart().sibling({ ...APART, ...change });
    expect(node.job).toBe("openDoor");
    expect(node.done(VOLUME.lone, { door: "open" }).job).toBe("connect");
  });
  test.each([
    ["believes it is connected", { connection: "Connected" }],
    ["has a T that still runs", { ...APART, t: "running" }],
    ["is Primary and not decided", { ...APART, role: "Primary", t: "running" }],
    ["is frozen on another generation", { ...APART, role: "Primary", frozen: true, gen: "C0" }],
    ["is frozen and has won", { ...APART, role: "Primary", frozen: true, claim: "won" }],
  ] as const)("stays closed to a sibling that %s", (_, change) => {
    expect(apart().sibling(change).job).toBeUndefined();
  });
  test("a rebooted copy does not meet a frozen Primary (trace 2)", () => {
    const node = new Scripted(1).start(VOLUME.booted, closed).heard(true);
    expect(node.sibling({ ...APART, role: "Primary", frozen: true }).job).toBeUndefined();
  });
  test("a node that can rely on a claim promotes instead", () => {
    const notes = { ...ADOPTED, won: [{ incarnation: "tree", gen: "A0", k: 0 }] };
    const node = new Scripted(1).start(VOLUME.lone, closed, notes).heard(true);
    expect(node.sibling(APART).state.meeting).toBe(false);
    expect(node.job).toBe("takeVolume");
  });
  test("a connection that is refused needs a new handshake (rule 10)", () => {
    const node = apart()
      .sibling(APART)
      .done(VOLUME.lone, { door: "open" })
      .done({ ...VOLUME.lone, connection: "Connecting" });
    node.see(VOLUME.lone);
    expect(node.state.meeting).toBe(false);
  });
});

describe("lock 4: disarmed", () => {
  const disarmed = () =>
    new Scripted(1)
      .start(VOLUME.other, { disarmed: ["t1"] })
      .heard(true)
      .shows("tree");

  test("only the sibling's message that repeats the token, and sees both disks, arms again", () => {
    expect(disarmed().sibling({ role: "Primary" }).job).toBeUndefined();
    expect(disarmed().sibling({ role: "Primary", echo: ["t0"] }).job).toBeUndefined();
    expect(disarmed().sibling({ role: "Primary", echo: ["t1"], peerDisk: "Inconsistent" }).job).toBeUndefined();
    expect(disarmed().sibling({ role: "Primary", echo: ["t1"], connection: "StandAlone" }).job).toBeUndefined();
    const node = disarmed().sibling({ role: "Primary", echo: ["t1"] });
    expect(node.jobs.at(-1)).toEqual({ name: "rearm", notes: ["t1"] });
  });
  test("a disarmed node only looks, and its handler says no", () => {
    const node = disarmed().heard(false).done(VOLUME.lone);
    expect(node.fire("waitOffset").request).toBe("owner");
    const notes = { ...ADOPTED, won: [{ incarnation: "tree", gen: "A0", k: 0 }] };
    const relying = new Scripted(1).start(VOLUME.lone, { disarmed: ["t1"] }, notes).heard(false);
    expect(relying.ask("promotion").verdicts).toEqual(["undecided"]);
    expect(relying.job).toBeUndefined();
  });
});

describe("rule 7: the hand-over", () => {
  const two = () => new Scripted(1).start(VOLUME.holder, running).heard(true).shows("tree");

  test("the leader leaves T, T stops, the volume is given up", () => {
    const node = two().polled("T").sibling({});
    expect(node.jobs.at(-1)).toEqual({ name: "moveLeader", to: "E2" });
    node.done().polled("E2");
    expect(node.job).toBe("stopT");
    expect(node.done(VOLUME.holder, { t: "dead" }).job).toBe("releaseVolume");
  });
  test.each([
    ["E1 is missing", { members: null }],
    ["E1 is ill", { members: { healthy: false, leader: "none", applied: 100 } }],
    ["E1 is far behind", { members: { healthy: true, leader: "E2", applied: -100_000 } }],
    ["node one is disarmed", { disarmed: ["t1"] }],
    ["node one is not up to date", { disk: "Inconsistent" }],
  ] satisfies [string, Partial<Hello>][])("not while %s", (_, change) => {
    expect(two().polled("E2").sibling(change).job).toBeUndefined();
  });
  test("T starts again when E1 is lost between stop and demotion", () => {
    const node = two().polled("E2").sibling({});
    node.sibling({ members: null }).done(VOLUME.holder, { t: "dead" });
    expect(node.job).toBe("startT");
  });
});

describe("a new incarnation is taken in two steps", () => {
  const two = () => new Scripted(1).start(VOLUME.other).heard(true);

  test("give up, hear the same from the sibling, see it still shown, adopt", () => {
    const node = two().shows("new");
    expect(node.state.notes).toMatchObject({ adopted: null, nothingBut: "new" });
    node.sibling({ role: "Primary", nothingBut: "new" });
    expect(node.state.notes.adopted).toBeNull();
    expect(node.shows("new").state.notes.adopted).toBe("new");
  });
  test("an answer about the tree before does not count (trace 16)", () => {
    const node = two().shows("new").sibling({ role: "Primary", nothingBut: "tree" });
    expect(node.shows("new").state.notes.adopted).toBeNull();
  });
  test("another token meanwhile begins again", () => {
    const node = two().shows("new").sibling({ role: "Primary", nothingBut: "new" }).shows("newest");
    expect(node.state.notes).toMatchObject({ adopted: null, nothingBut: "newest" });
    expect(node.shows("newest").state.notes.adopted).toBeNull();
  });
  test("neither step while apart", () => {
    const node = new Scripted(1).start(VOLUME.lone).heard(true).shows("new");
    expect(node.state.notes).toMatchObject({ adopted: "tree", nothingBut: "tree" });
  });
});

describe("while together", () => {
  test("both stage their next claim", () => {
    const node = other();
    expect(node.request).toBe("owner");
    expect(node.witness({ status: 404, body: "" }).request).toBe("stage");
    expect(node.witness(WON).state.staged).toEqual({ incarnation: "tree", gen: "A0", k: 0 });
  });
  test("a claim that the sibling still holds is not asked for in a circle", () => {
    const node = other().witness({ status: 200, body: "n1" }).witness({ status: 404, body: "" });
    expect(node.request).toBeUndefined();
    expect(node.shows("tree").request).toBe("owner");
  });
  test("an intent is finished and released before anything is staged", () => {
    const intents = [{ incarnation: "tree", gen: "A0", k: 0 }];
    const node = new Scripted(0)
      .start(VOLUME.holder, running, { ...ADOPTED, intents })
      .heard(true)
      .shows("tree");
    expect(node.request).toBe("move");
    expect(node.witness({ status: 412, body: "" }).witness({ status: 200, body: "n1" }).request).toBe("release");
    expect(node.witness(WON).state.notes.intents).toEqual([]);
  });
  test("a disarmed node collects a past generation once", () => {
    const node = other().witness({ status: 404, body: "" }).witness(WON);
    node.see({ ...VOLUME.other, gen: "B0" }, { disarmed: ["t1"] });
    expect(node.request).toBe("collect");
    node.give({ kind: "witness", id: node.state.collecting?.id ?? 0, answer: { status: 204, body: "" } });
    expect(node.state.collecting).toBeNull();
    expect(node.see({ ...VOLUME.other, gen: "B0" }).request).toBeUndefined();
  });
  test("the leader is moved opposite T", () => {
    const node = holder().polled("E1").sibling({});
    expect(node.jobs.at(-1)).toEqual({ name: "moveLeader", to: "E2" });
  });
});
