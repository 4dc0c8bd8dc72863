import { describe, expect, test } from "vitest";
import type { State } from "../../../components/arbiter/agent/state.ts";
import { initialState } from "../../../components/arbiter/agent/state.ts";
import { statusReport } from "../../../components/arbiter/agent/status.ts";
import type { Hello, Local } from "../../../components/arbiter/agent/world.ts";
import { describe as told } from "../../../components/cli/status.ts";
import { HELLO } from "./scripted.ts";

const token = "ed05d15598434088a8e90f76be490f70";
const initial = initialState({
  ...{ site: "store-0042", node: "n1", sibling: "n2", index: 0, leader: "opposite" },
  ...{ waitOffsetMs: 0, bootOffsetMs: 0, readHoldOffMs: 5000, killLimitMs: 2000 },
});

const local: Local = {
  volume: {
    ...initial.local.volume,
    role: "Primary",
    disk: "UpToDate",
    peerDisk: "UpToDate",
    peerRole: "Secondary",
    connection: "Connected",
    gen: "68798EAEE4968C1A",
  },
  door: "open",
  mounted: true,
  t: "running",
  tOutdated: false,
  disarmed: [],
};

const members = { healthy: true, leader: "E2", applied: 1000 } as const;
const sibling: Hello = {
  ...HELLO,
  site: "store-0042",
  bootId: "b",
  incarnation: token,
  nothingBut: token,
  gen: "68798EAEE4968C1A",
  members,
};

/** Node one of a whole site. */
const whole: State = {
  ...initial,
  heard: true,
  shows: token,
  members,
  sibling,
  notes: { ...initial.notes, adopted: token, nothingBut: token },
};

const volume = (change: Partial<Local["volume"]>): Local => ({ ...local, volume: { ...local.volume, ...change } });
const survives = (state: State, at: Local = local) => {
  const { nodeOne, nodeTwo, witness } = statusReport(state, at).survives;
  return {
    nodeOne: nodeOne.yes || nodeOne.why,
    nodeTwo: nodeTwo.yes || nodeTwo.why,
    witness: witness.yes || witness.why,
  };
};

describe("what the site survives", () => {
  test("a whole site survives each loss", () => {
    expect(survives(whole)).toEqual({ nodeOne: true, nodeTwo: true, witness: true });
  });

  test("without the witness neither node may be lost, and the witness is no further loss", () => {
    const why = "the witness does not answer";
    expect(survives({ ...whole, shows: null })).toEqual({ nodeOne: why, nodeTwo: why, witness: true });
  });

  test("a new tree protects only a node that has adopted it", () => {
    const notYet = { ...whole, sibling: { ...sibling, incarnation: "0".repeat(32) } };
    expect(survives(notYet)).toMatchObject({ nodeOne: "n2 has not adopted the witness's new tree yet", nodeTwo: true });
  });

  test("during a resync of the sibling this node must not be lost, and the sibling may", () => {
    const at = volume({ peerDisk: "Inconsistent", sync: "source" });
    expect(survives(whole, at)).toEqual({
      nodeOne: "the copy of n2 is not UpToDate yet",
      nodeTwo: true,
      witness: true,
    });
  });

  test("while T does not run, E1 and E2 are all there is", () => {
    const why = "the third member T does not run";
    expect(survives(whole, { ...local, t: "dead" })).toEqual({ nodeOne: why, nodeTwo: why, witness: true });
    expect(survives({ ...whole, sibling: { ...sibling, t: "running" } }, { ...local, t: "dead" })).toMatchObject({
      nodeOne: true,
    });
  });

  test("a sibling that is still disarmed cannot take over", () => {
    const disarmed = { ...whole, sibling: { ...sibling, disarmed: ["token"] } };
    expect(survives(disarmed).nodeOne).toBe("n2 is disarmed until n1 confirms the resync");
  });

  test("a sibling whose agent is silent protects nothing", () => {
    expect(survives({ ...whole, sibling: null }).nodeOne).toBe("the agent of n2 does not answer");
  });

  test("alone: the sibling is no loss any more, and this node may not be lost", () => {
    const at = volume({ connection: "StandAlone", peerDisk: "Outdated", peerRole: "Unknown" });
    expect(survives({ ...whole, sibling: null, heard: false }, at)).toEqual({
      nodeOne: "the agent of n2 does not answer",
      nodeTwo: true,
      witness: true,
    });
  });

  test("frozen: nothing more may be lost, and that is what is said", () => {
    const why = "the volume is frozen until it is decided which node goes on";
    const at = volume({ frozen: true, connection: "StandAlone", peerDisk: "Unknown" });
    expect(survives({ ...whole, heard: false }, at)).toEqual({ nodeOne: why, nodeTwo: why, witness: why });
  });
});

test("the report names who runs T, also when it is the sibling", () => {
  expect(statusReport(whole, local).runsT).toBe("n1");
  const idle = { ...local, t: "dead" as const };
  expect(statusReport({ ...whole, sibling: { ...sibling, t: "running" } }, idle).runsT).toBe("n2");
  expect(statusReport({ ...whole, sibling: null }, idle).runsT).toBeNull();
});

test("for a person: every line says one thing, and each no has its reason", () => {
  const text = told(statusReport({ ...whole, sibling: null }, local));
  expect(text).toContain("T runs on             n1\n");
  expect(text).toContain("  node one            NO: the agent of n2 does not answer\n");
  expect(text).toContain("  node two            yes\n");
  expect(text.split("\n").every((line) => line === line.trimEnd())).toBe(true);
});
