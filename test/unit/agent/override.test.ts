import { describe, expect, test } from "vitest";
import type { Notes, Volume } from "../../../components/arbiter/agent/world.ts";
import { ADOPTED, Scripted, VOLUME } from "./scripted.ts";

const WON = { status: 201, body: "" };
const APART = { connection: "StandAlone", peerDisk: "Unknown" } as const;
const closed = { door: "closed" } as const;
const running = { mounted: true, t: "running" } as const;
const OVERRIDDEN: Notes = { ...ADOPTED, override: { gen: "A0", bootId: "boot" } };

/** Node two, apart from a silent sibling, its claim undecided. */
function waiting(volume: Volume = VOLUME.lone, disarmed: string[] = []): Scripted {
  const node = new Scripted(1).start(VOLUME.other).heard(true).shows("tree").shows(null).heard(false);
  node.see(volume, { ...closed, disarmed }).sibling(null);
  node.fire(volume.disk === "Consistent" ? "bootOffset" : "waitOffset");
  if (node.state.run !== null) node.witness("silence");
  return node;
}
/** Node one, frozen, likewise. */
const frozen = () =>
  new Scripted(0)
    .start(VOLUME.holder, running)
    .heard(true)
    .shows("tree")
    .shows(null)
    .heard(false)
    .see(VOLUME.frozen)
    .witness("silence")
    .sibling(null);

function typed(node: Scripted, site = "site"): string[] {
  node.give({ kind: "override", id: 9, site, local: node.local });
  const answers = node.actions.flatMap((action) => (action.kind === "override" ? [action.objections] : []));
  expect(answers).toHaveLength(1);
  return answers[0] ?? [];
}
const overridden = (node: Scripted) => {
  expect(typed(node)).toEqual([]);
  return node;
};

describe("the operator overrides", () => {
  test("a Secondary that waits: it is noted before anything follows, the volume is taken, and the handler is answered", () => {
    const node = overridden(waiting());
    const kinds = node.actions.map(({ kind }) => kind);
    expect(kinds.indexOf("note")).toBeLessThan(kinds.indexOf("job"));
    expect(node.state.notes.override).toEqual({ gen: "A0", bootId: "boot" });
    expect(node.job).toBe("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["won"]);
  });
  test("a frozen Primary: its handler is answered", () => {
    const node = frozen().ask("primary");
    expect(node.verdicts).toEqual([]);
    expect(overridden(node).verdicts).toEqual(["won"]);
  });
  test("a copy that was restarted, and one that is disarmed", () => {
    expect(overridden(waiting(VOLUME.booted)).job).toBe("takeVolume");
    expect(overridden(waiting(VOLUME.lone, ["t1"])).job).toBe("takeVolume");
  });
  test("a disarmed copy goes on with T, until it is Connected again", () => {
    const node = overridden(waiting(VOLUME.lone, ["t1"])).done(VOLUME.solo, { mounted: true });
    expect(node.polled("E2").job).toBe("startT");
    node.done(VOLUME.solo, running).see({ ...VOLUME.solo, connection: "Connected", peerDisk: "UpToDate", left: null });
    expect(node.state.notes.override).toBeNull();
  });
  test("a claim that can be had is had: a witness that can be trusted is asked once more", () => {
    const node = waiting(VOLUME.lone, ["t1"]).shows("tree");
    expect(overridden(node).request).toBe("move");
    expect(node.job).toBeUndefined();
    node.witness(WON);
    expect(node.job).toBe("takeVolume");
    expect(node.state.notes.won).toHaveLength(1);
  });
  test("a claim that is the sibling's: the copy is promoted in spite of it", () => {
    const node = waiting().shows("tree").fire("claimRetry").witness({ status: 412, body: "" });
    node.witness({ status: 200, body: "n1" }).witness({ status: 404, body: "" });
    expect([node.state.lost, node.job]).toEqual(["A0", undefined]);
    expect(overridden(node).job).toBe("takeVolume");
    expect(node.ask("promotion").verdicts).toEqual(["won"]);
  });
});

describe("an override is refused, and nothing is noted,", () => {
  const decide = "the nodes decide by themselves what `tandem status` says they wait for.";
  const instead =
    'Bring n1 back. If it is gone for good, the site is built anew from a snapshot of etcd (runbook, "Overriding the protocol").';
  const lost = (node: Scripted) =>
    node.witness({ status: 412, body: "" }).witness({ status: 200, body: "n1" }).witness({ status: 404, body: "" });

  test.each<[string, () => Scripted, string[]]>([
    [
      "for a site that is whole",
      () => new Scripted(1).start(VOLUME.other).heard(true).shows("tree").sibling({ role: "Primary" }),
      [`DRBD is connected to n1: nothing has to be given up, and ${decide}`],
    ],
    [
      "when the sibling's agent answers",
      () => waiting().sibling({ ...APART, role: "Primary", t: "running" }),
      [`The agent of n1 answers: ${decide}`],
    ],
    [
      "when the sibling's packets arrive",
      () => waiting().heard(true),
      [
        "Packets of n1 arrive, so its machine runs. Start its agent (`journalctl -u tandem-agent` there), or switch the machine off.",
      ],
    ],
    [
      "before the sibling was asked",
      () => new Scripted(1).start(VOLUME.lone, closed).heard(false).fire("waitOffset").witness("silence"),
      ["It is not known yet whether n1 is there; ask again in a few seconds."],
    ],
    [
      "for a copy that is Outdated",
      () => waiting({ ...VOLUME.lone, disk: "Outdated" }),
      [
        `The copy of n2 is Outdated: DRBD knows that n1 has gone on without it, and promotes it by force alone, which is never done. ${instead}`,
      ],
    ],
    [
      "for half a copy",
      () => waiting({ ...VOLUME.lone, disk: "Inconsistent" }),
      [`n2 has no whole copy of the volume: its disk is Inconsistent. ${instead}`],
    ],
    [
      "without a disk",
      () => waiting({ ...VOLUME.lone, disk: "Diskless", gen: null }),
      [`n2 has no whole copy of the volume: its disk is Diskless. ${instead}`],
    ],
    [
      "on a node that goes on",
      () => waiting(VOLUME.solo),
      ["n2 is Primary and not frozen: it waits for nobody. `tandem status` says what it does."],
    ],
    [
      "on a node whose sibling is known to be behind",
      () => waiting({ ...VOLUME.lone, peerDisk: "Outdated" }),
      ["DRBD has the copy of n1 down as Outdated: n2 goes on by itself."],
    ],
    [
      "while the claim is being asked for",
      () => waiting().shows("tree").fire("claimRetry"),
      ["The witness answers and is being asked: n2 goes on by itself if it may."],
    ],
    [
      "when the claim is won",
      () => {
        const node = waiting();
        return node.shows("tree").fire("claimRetry").witness(WON);
      },
      ["The claim is n2's: it goes on by itself."],
    ],
    [
      "before the wait for the sibling has ended",
      () => new Scripted(1).start(VOLUME.lone, closed).heard(false).sibling(null),
      ["n2 still waits for n1 to come; ask again in a few seconds."],
    ],
    [
      "in a split brain",
      () => waiting({ ...VOLUME.lone, splitBrain: true }),
      ["There is a split brain: both copies hold writes that the other misses. The runbook says how to choose one."],
    ],
    [
      "twice",
      () => overridden(lost(waiting().shows("tree").fire("claimRetry"))),
      ["The protocol is overridden already; `tandem status` says how far n2 is."],
    ],
  ])("%s", (_, make, objections) => {
    const node = make();
    const before = node.state.notes.override;
    expect(typed(node)).toEqual(objections);
    expect(node.state.notes.override).toEqual(before);
  });

  test("for another site's name", () => {
    expect(typed(waiting(), "n1")).toEqual(["This is the site site, not n1."]);
  });
});

describe("an override ends", () => {
  const promotes = (node: Scripted) => node.ask("promotion").verdicts;

  test("with this boot", () => {
    const notes = { ...OVERRIDDEN, override: { gen: "A0", bootId: "before" } };
    const node = new Scripted(1).start(VOLUME.lone, closed, notes);
    expect(node.state.notes.override).toBeNull();
    expect(promotes(node)).toEqual(["undecided"]);
  });
  test("not with the agent's process", () => {
    const node = new Scripted(1).start(VOLUME.lone, closed, OVERRIDDEN).shows(null);
    expect(node.ask("promotion").verdicts).toEqual(["undecided"]);
    node.heard(false).sibling(null);
    expect(node.job).toBe("takeVolume");
    expect(promotes(node)).toEqual(["undecided", "won"]);
  });
  test("with its generation", () => {
    const node = new Scripted(1).start({ ...VOLUME.lone, gen: "B0" }, closed, OVERRIDDEN);
    expect(node.state.notes.override).toBeNull();
    expect(promotes(node)).toEqual(["undecided"]);
  });
  test.each<[string, (node: Scripted) => Scripted]>([
    ["the sibling is heard", (node) => node.heard(true)],
    ["the sibling answers", (node) => node.sibling(APART)],
    ["the copy is no longer whole", (node) => node.see({ ...VOLUME.lone, disk: "Outdated" })],
    ["there is a split brain", (node) => node.see({ ...VOLUME.lone, splitBrain: true })],
  ])("before it is used, when %s", (_, change) => {
    const node = change(new Scripted(1).start(VOLUME.lone, closed, OVERRIDDEN));
    expect(node.state.notes.override).toBeNull();
    expect(promotes(node)).toEqual(["undecided"]);
  });
  test("not when the sibling answers a node that has gone on by it", () => {
    const node = new Scripted(1).start(VOLUME.solo, { ...closed, ...running }, OVERRIDDEN);
    expect(node.heard(true).sibling(APART).state.notes.override).not.toBeNull();
  });
});

describe("what an override has given up stays given up", () => {
  const used = () => new Scripted(1).start(VOLUME.solo, { ...closed, ...running }, OVERRIDDEN).heard(false);

  test("the claim is made good as soon as the witness can be trusted", () => {
    const node = used();
    expect(node.request).toBeUndefined();
    expect(node.shows("tree").request).toBe("move");
    expect(node.state.run?.key).toMatchObject({ gen: "A0" });
    expect(node.witness(WON).state.notes.won).toEqual([expect.objectContaining({ gen: "A0" })]);
    expect(node.shows("tree").state.run).toBeNull();
  });
  test("a claim that is the sibling's is not asked for in a circle", () => {
    const node = used().shows("tree").witness({ status: 412, body: "" });
    node.witness({ status: 200, body: "n1" }).witness({ status: 404, body: "" });
    expect(node.state.run).toBeNull();
    node.shows("tree");
    expect(node.state.run).toBeNull();
  });
  test("a sibling that won the claim before it lost power hears of it first, and does not promote", () => {
    const notes = { ...ADOPTED, connectedIn: "before", won: [{ incarnation: "tree", gen: "A0", k: 0 }] };
    const node = new Scripted(0).start(VOLUME.booted, closed, notes).heard(true);
    expect(node.job).toBeUndefined();
    node.sibling({ ...APART, role: "Primary", t: "running", gen: "B0", left: "A0", peerDisk: "Outdated" });
    expect(node.state.notes.superseded).toBe("A0");
    expect([node.job, node.state.meeting]).toEqual(["openDoor", true]);
    node.heard(false).done(VOLUME.booted, { door: "open" });
    expect(node.ask("promotion").verdicts).toEqual(["undecided"]);
  });
  test("a sibling that has gone on from the same generation is not met: that is a split brain", () => {
    const behind = { ...VOLUME.solo, role: "Secondary", gen: "C0" } as const;
    const node = new Scripted(0).start(behind, closed, ADOPTED).heard(true);
    node.sibling({ ...APART, role: "Primary", t: "running", gen: "B0", left: "A0", peerDisk: "Outdated" });
    expect([node.job, node.state.meeting]).toEqual(["reportSplitBrain", false]);
    node.done({ ...behind, splitBrain: true });
    expect(node.job).toBeUndefined();
  });
});
