import { describe, expect, test } from "vitest";
import {
  concerned,
  goesOnByClaim,
  MARK,
  type NodeView,
  nodeChange,
  OUT_OF_SERVICE,
  readNode,
} from "../../../components/arbiter/agent/out-of-service.ts";
import type { State } from "../../../components/arbiter/agent/state.ts";
import type { Notes } from "../../../components/arbiter/agent/world.ts";
import { ADOPTED, HELLO, Scripted, VOLUME } from "./scripted.ts";

const claim = (gen: string) => ({ incarnation: "tree", gen, k: 0 });

/** Node two, which has won the claim on A0, has gone on, and hears nothing of node one. */
function winner(notes: Partial<Notes> = {}): State {
  const node = new Scripted(1).start(
    VOLUME.solo,
    { door: "closed", mounted: true, t: "running" },
    {
      ...ADOPTED,
      doorOpened: null,
      won: [claim("A0")],
      ...notes,
    },
  );
  return node.heard(false).sibling(null).state;
}

const silent: NodeView = { name: "n1", resourceVersion: "7", ready: "Unknown", taints: [], markedBy: null };
const unreachable = { key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
const marked: NodeView = { ...silent, taints: [unreachable, OUT_OF_SERVICE], markedBy: "n2" };

function withVolume(state: State, change: Partial<State["local"]["volume"]>): State {
  return { ...state, local: { ...state.local, volume: { ...state.local.volume, ...change } } };
}

describe("a silent sibling is marked", () => {
  test("by the winner of the claim, beside the taints that it has, and only as it was read", () => {
    expect(nodeChange(winner(), { ...silent, taints: [unreachable] })).toEqual({
      verb: "set",
      reason: "n2 owns the claim, and n1 is silent to it and to Kubernetes",
      patch: {
        metadata: { resourceVersion: "7", annotations: { [MARK]: "n2" } },
        spec: { taints: [unreachable, OUT_OF_SERVICE] },
      },
    });
  });

  test("by a holder whose generation is still the one that it claimed", () => {
    const { won: _, ...others } = winner().notes;
    const state = withVolume({ ...winner(), notes: { ...others, won: [claim("B0")] } }, { left: null });
    expect(nodeChange(state, silent)).toMatchObject({ verb: "set" });
  });

  test("also by a winner that has rebooted: no copy but its own goes on, whatever the witness has become", () => {
    expect(nodeChange({ ...winner(), shows: null, gateAfterBoot: true }, silent)).toMatchObject({ verb: "set" });
  });
});

describe("nothing is written", () => {
  const none = { ...winner().notes, won: [] };
  test.each<[string, State]>([
    ["without a claim, though the sibling is recorded as behind", { ...winner(), notes: none }],
    ["with a claim of another generation", winner({ won: [claim("C0")] })],
    ["with a claim in a tree that was given up", winner({ won: [{ ...claim("A0"), incarnation: "older" }] })],
    ["when a release has begun", winner({ releasing: [claim("A0")] })],
    ["when this node has promised not to rely on the claim", winner({ waived: "A0" })],
    ["by the sibling's promise to wait alone", { ...winner(), notes: { ...none, waiver: "A0" } }],
    ["by an override alone", { ...winner(), notes: { ...none, override: { gen: "A0", bootId: "boot" } } }],
    ["when the sibling has left this generation", winner({ superseded: "B0" })],
    ["when both have gone on", { ...winner(), diverged: true }],
    ["in a split brain", withVolume(winner(), { splitBrain: true })],
    ["by a node that is frozen", withVolume(winner(), { frozen: true })],
    ["by a node that is not Primary", withVolume(winner(), { role: "Secondary" })],
    ["while DRBD looks for the sibling", withVolume(winner(), { connection: "Connecting" })],
    ["while the halves are about to meet", { ...winner(), meeting: true }],
    ["while packets of the sibling arrive", { ...winner(), heard: true }],
    ["while nothing is known of its packets", { ...winner(), heard: null }],
    ["before its agent was asked", { ...winner(), asked: false }],
    ["while its agent answers", { ...winner(), sibling: { ...HELLO, node: "n1" } }],
  ])("%s", (_, state) => {
    expect(goesOnByClaim(state)).toBe(false);
    expect(nodeChange(state, silent)).toBeNull();
    // Nor is a mark taken off that may still be right.
    expect(nodeChange(state, marked)).toBeNull();
  });

  test.each<[string, NodeView]>([
    ["to a Node that is ready", { ...silent, ready: "True" }],
    ["to a Node whose kubelet says itself that it is not ready", { ...silent, ready: "False" }],
    ["to a Node of which nothing is known", { ...silent, ready: null }],
    ["to a Node that is marked already", marked],
    ["to a Node that somebody else has marked", { ...silent, taints: [{ ...OUT_OF_SERVICE, value: "by-hand" }] }],
    ["to a Node whose taint a hand has taken off", { ...silent, markedBy: "n2" }],
    ["to the winner's own Node", { ...silent, name: "n2" }],
    ["to a Node that is not the site's", { ...silent, name: "n3" }],
  ])("%s", (_, node) => {
    expect(nodeChange(winner(), node)).toBeNull();
  });
});

describe("a mark is removed", () => {
  const connected = new Scripted(1).start(VOLUME.together).heard(true).state;
  const removal = {
    verb: "removed",
    reason: "n1 is back",
    patch: { metadata: { resourceVersion: "7", annotations: { [MARK]: null } }, spec: { taints: [unreachable] } },
  };

  test("when the nodes are connected, by either of them, whoever wrote it", () => {
    expect(nodeChange(connected, marked)).toEqual(removal);
    const one = new Scripted(0).start(VOLUME.holder).heard(true).state;
    expect(nodeChange(one, { ...marked, markedBy: "n1", name: "n2" })).toMatchObject({ verb: "removed" });
  });

  test("when the Node is ready, its own by a node that goes on by whatever right", () => {
    expect(nodeChange(winner(), { ...marked, ready: "True" })).toEqual(removal);
    const own = { ...marked, name: "n2", markedBy: "n1", ready: "True" } as const;
    expect(nodeChange({ ...winner(), notes: ADOPTED }, own)).toMatchObject({ verb: "removed" });
  });

  test("and one that a hand has taken off before is forgotten", () => {
    expect(nodeChange(connected, { ...marked, taints: [unreachable] })).toEqual(removal);
  });

  test("never if it is another's: without the annotation, or of another value", () => {
    expect(nodeChange(connected, { ...marked, markedBy: null })).toBeNull();
    const other = { ...OUT_OF_SERVICE, value: "by-hand" };
    expect(nodeChange(connected, { ...marked, taints: [other, OUT_OF_SERVICE] })?.patch).toMatchObject({
      spec: { taints: [other] },
    });
  });
});

test("a node that neither goes on nor is connected does not look", () => {
  expect(concerned(winner())).toBe(true);
  expect(concerned(withVolume(winner(), { frozen: true }))).toBe(false);
  expect(concerned(new Scripted(0).start(VOLUME.lone).state)).toBe(false);
  expect(concerned(new Scripted(0).start(VOLUME.together).state)).toBe(true);
});

test("a Node is read as the API shows it", () => {
  const conditions = [
    { type: "MemoryPressure", status: "Unknown" },
    { type: "Ready", status: "Unknown" },
  ];
  const node = {
    kind: "Node",
    metadata: { name: "n1", resourceVersion: "7", annotations: { [MARK]: "n2" } },
    spec: { taints: [unreachable, OUT_OF_SERVICE] },
    status: { conditions },
  };
  expect(readNode(node, "n1")).toEqual(marked);
  expect(readNode({ kind: "Node", metadata: { name: "n1", resourceVersion: "7" } }, "n1")).toEqual({
    ...silent,
    ready: null,
  });
  for (const other of [null, [], "Node", { kind: "NodeList" }, { kind: "Node", metadata: { name: "n1" } }])
    expect(() => readNode(other, "n1")).toThrow("n1 is no Node");
});
