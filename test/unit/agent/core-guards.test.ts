import { describe, expect, test } from "vitest";
import { ADOPTED, Scripted, VOLUME } from "./scripted.ts";

const WON = { status: 201, body: "" };
const APART = { connection: "StandAlone", peerDisk: "Unknown" } as const;
const running = { mounted: true, t: "running" } as const;

const holder = () => new Scripted(0).start(VOLUME.holder, running).heard(true).shows("tree");
const other = () => new Scripted(1).start(VOLUME.other).heard(true).shows("tree");

describe("who may ask, promote and meet", () => {
  const notes = { ...ADOPTED, won: [{ incarnation: "tree", gen: "A0", k: 0 }] };
  const closed = { door: "closed" } as const;
  const frozenSibling = { ...APART, role: "Primary", frozen: true, t: "dying" } as const;

  test("a copy that was not connected since this boot does not open to a frozen Primary", () => {
    const node = new Scripted(1).start(VOLUME.lone, closed, { ...ADOPTED, connectedIn: "before" }).heard(true);
    expect(node.sibling(frozenSibling).state.meeting).toBe(false);
  });
  test("an outdated copy does not either", () => {
    const node = new Scripted(1).start({ ...VOLUME.lone, disk: "Outdated" }, closed).heard(true);
    expect(node.sibling(frozenSibling).state.meeting).toBe(false);
  });
  test("a disarmed node meets, whatever claim it once won: it can promote only after that", () => {
    const node = new Scripted(1).start(VOLUME.lone, { ...closed, disarmed: ["t1"] }, notes).heard(true);
    expect(node.sibling(APART).job).toBe("openDoor");
  });
  test("nobody claims or promotes while the halves are about to meet", () => {
    const behind = { ...VOLUME.lone, peerDisk: "Outdated" } as const;
    const node = new Scripted(1).start(behind, closed, { ...ADOPTED, connectedIn: null }).heard(true);
    node.sibling(APART).done(behind, { door: "open" });
    expect(node.fire("deserted").jobs.map((job) => job.name)).toEqual(["openDoor", "connect"]);
    const frozen = holder().see(VOLUME.frozen).witness("silence").sibling(APART);
    expect(frozen.state.running).not.toContain("claimRetry");
  });
  test("a Secondary claims only apart for good, of a silent sibling, on a copy that may be the newest", () => {
    const connecting = { ...VOLUME.lone, connection: "Connecting" } as const;
    expect(other().shows(null).heard(false).see(connecting).fire("waitOffset").request).toBeUndefined();
    expect(new Scripted(0).start(VOLUME.lone).heard(true).shows("tree").request).toBeUndefined();
    const behind = { ...VOLUME.lone, peerDisk: "Outdated" } as const;
    const known = new Scripted(0).start(behind, closed).heard(false);
    expect(known.request).toBeUndefined();
    expect(known.job).toBe("takeVolume");
  });
  test("the witness is heard before the sibling", () => {
    const node = holder()
      .see(VOLUME.frozen)
      .sibling({ ...APART, fresh: true, disk: "Consistent" });
    expect(node.job).toBeUndefined();
  });
  test("a sibling that is behind on another generation is not as good as won", () => {
    const node = holder().see(VOLUME.frozen).ask("primary").witness("silence");
    expect(node.sibling({ ...APART, disk: "Outdated", gen: "C0" }).verdicts).toEqual([]);
  });
  test("a disarmed node does not promote when connected either", () => {
    expect(new Scripted(0).start(VOLUME.together, { disarmed: ["t1"] }).job).toBeUndefined();
  });
  test("an answer that comes after the node was disarmed does not win", () => {
    const node = new Scripted(0).start(VOLUME.lone, closed).heard(false);
    expect(node.request).toBe("move");
    const id = node.state.runId;
    node.see(VOLUME.lone, { disarmed: ["t1"] });
    node.give({ kind: "witness", id, answer: WON });
    expect(node.state.notes.won).toEqual([]);
    expect(node.job).toBeUndefined();
  });
  test("lost is forgotten when the halves have met", () => {
    const node = other().heard(false).done(VOLUME.lone).fire("waitOffset").witness({ status: 412, body: "" });
    node.witness({ status: 200, body: "n1" }).witness({ status: 404, body: "" });
    expect(node.state.lost).toBe("A0");
    expect(node.see(VOLUME.other).state.lost).toBeNull();
  });
  test.each([
    ["connected", VOLUME.together],
    ["without a whole copy", { ...VOLUME.lone, disk: "Inconsistent" }],
  ] as const)("the handler of a promotion says no, although a claim is won: %s", (_, volume) => {
    expect(new Scripted(1).start(volume, closed, notes).ask("promotion").verdicts).toEqual(["undecided"]);
  });
  test("the handler of a Primary without its disk says no, although a claim is won", () => {
    const node = new Scripted(0).start({ ...VOLUME.frozen, disk: "Failed" }, running, notes).ask("primary");
    expect(node.verdicts).toEqual(["undecided"]);
  });
});

describe("rules 8 and 9: boot", () => {
  const closed = { door: "closed" } as const;
  const alone = { ...VOLUME.lone, peerDisk: "Outdated" } as const;
  const boot = (index: 0 | 1, volume: Parameters<Scripted["start"]>[0], disarmed: string[] = []) =>
    new Scripted(index).start(volume, { ...closed, disarmed }, { ...ADOPTED, connectedIn: null }).heard(false);

  test("alone with the newest copy: promote, nothing is asked", () => {
    const node = boot(0, alone);
    expect(node.job).toBeUndefined();
    expect(node.fire("bootOffset").job).toBe("takeVolume");
    expect(node.jobs).toHaveLength(1);
  });
  test("a Consistent copy needs a won claim", () => {
    const node = boot(0, VOLUME.booted).fire("bootOffset");
    expect(node.job).toBeUndefined();
    expect(node.request).toBe("move");
    expect(node.witness(WON).job).toBe("takeVolume");
  });
  test.each(["Outdated", "Inconsistent"] as const)("an %s copy is refused", (disk) => {
    const node = boot(0, { ...VOLUME.booted, disk }).fire("bootOffset");
    expect(node.request).toBeUndefined();
    expect(node.job).toBeUndefined();
  });
  test("a disarmed copy is refused", () => {
    expect(boot(0, alone, ["t1"]).fire("bootOffset").job).toBeUndefined();
  });
  test("together and nobody Primary: node one promotes, node two only as the one that is up to date", () => {
    expect(new Scripted(0).start(VOLUME.together).job).toBe("takeVolume");
    expect(new Scripted(1).start(VOLUME.together).job).toBeUndefined();
    expect(new Scripted(1).start({ ...VOLUME.together, peerDisk: "Inconsistent", sync: "source" }).job).toBe(
      "takeVolume",
    );
    expect(new Scripted(1).start(VOLUME.together).fire("orphan").job).toBe("takeVolume");
  });
  test("a SyncTarget is never promoted", () => {
    const target = { ...VOLUME.together, disk: "Inconsistent", sync: "target" } as const;
    expect(new Scripted(0).start(target, { disarmed: ["t1"] }).job).toBeUndefined();
  });
});

describe("lock 5: a door counts as open only by this boot's note", () => {
  const open = { door: "open" } as const;
  const alone = { ...running, door: "closed" } as const;
  const unnoted = { ...ADOPTED, doorOpened: null };

  test("the note comes before the opening, and goes before the closing", () => {
    const written = (node: Scripted) => node.actions.map(({ kind }) => kind).filter((kind) => /note|job/.test(kind));
    const node = new Scripted(1).start(VOLUME.lone, { door: "closed" }, unnoted).heard(true).sibling(APART);
    expect([node.job, node.state.notes.doorOpened]).toEqual(["openDoor", "boot"]);
    expect(written(node)).toEqual(["note", "job"]);
    node.done(VOLUME.lone, open).heard(false).done();
    expect([node.job, node.state.notes.doorOpened]).toEqual(["closeDoor", null]);
    expect(written(node)).toEqual(["note", "job"]);
  });
  test.each([
    ["never", null],
    ["in another boot", "before"],
  ])("one that was opened %s is closed by a node that is apart, before anything else", (_, doorOpened) => {
    const node = new Scripted(1).start(VOLUME.lone, open, { ...ADOPTED, doorOpened }).heard(true);
    expect(node.job).toBe("closeDoor");
    expect(node.done(VOLUME.lone, { door: "closed" }).job).toBeUndefined();
  });
  test("one that vanishes beside a T that runs alone is closed again", () => {
    const node = new Scripted(1).start(VOLUME.solo, alone, unnoted).heard(false);
    expect(node.job).toBeUndefined();
    expect(node.see(VOLUME.solo, open).job).toBe("closeDoor");
  });
  test("a holder that was thawed in place keeps the door that it had opened", () => {
    expect(new Scripted(0).start(VOLUME.solo, { ...running, ...open }).job).toBeUndefined();
  });
  test("a new agent on a connected site cuts nothing, and notes the door that it finds open", () => {
    const node = new Scripted(0).start(VOLUME.holder, { ...running, ...open }, unnoted).heard(true);
    expect(node.job).toBe("openDoor");
    expect(node.done().state.notes.doorOpened).toBe("boot");
    expect(node.jobs).toHaveLength(1);
  });
  test("half a door is closed while apart, and opened while connected", () => {
    expect(new Scripted(1).start(VOLUME.lone, { door: "half" }).heard(true).job).toBe("closeDoor");
    expect(new Scripted(1).start(VOLUME.other, { door: "half" }).heard(true).job).toBe("openDoor");
  });
  test("halves do not meet through a door that nobody opened", () => {
    const node = new Scripted(1).start(VOLUME.lone, { door: "closed" }, unnoted).heard(true).sibling(APART);
    expect(node.done(VOLUME.lone, { door: "half" }).job).not.toBe("connect");
  });
});

describe("what is not known is no verdict", () => {
  test("a frozen Primary whose generation cannot be read is not reset", () => {
    expect(holder().see({ ...VOLUME.frozen, disk: "Diskless", gen: null }).job).not.toBe("letGo");
  });
  test("T that was found frozen by a new agent has had its time", () => {
    const node = new Scripted(0).start(VOLUME.frozen, running).shows("tree");
    expect(node.job).toBe("killT");
  });
  test("T does not start again beside a split brain", () => {
    const split = { ...VOLUME.solo, splitBrain: true };
    const node = new Scripted(0).start(split, { ...running, door: "closed" });
    expect(node.job).toBe("killT");
    expect(node.actions).toContainEqual(expect.objectContaining({ kind: "say", level: "alarm" }));
    expect(node.done(split, { t: "dead" }).job).toBeUndefined();
  });
});
