import { describe, expect, test } from "vitest";
import { initialState } from "../../../components/arbiter/agent/state.ts";
import { type StatusReport, statusReport } from "../../../components/arbiter/agent/status.ts";
import type { Volume } from "../../../components/arbiter/agent/world.ts";
import type { Member } from "../../../components/cli/etcd-client.ts";
import { objections, planOf, type Seen } from "../../../components/cli/replace/judge.ts";
import { HELLO } from "../agent/scripted.ts";

const state = initialState({
  ...{ site: "store-0042", node: "n1", sibling: "n2", index: 0, leader: "opposite" },
  ...{ waitOffsetMs: 0, bootOffsetMs: 0, readHoldOffMs: 5000, killLimitMs: 2000 },
});
const volume: Volume = {
  ...state.local.volume,
  role: "Primary",
  disk: "UpToDate",
  peerDisk: "Outdated",
  connection: "StandAlone",
};
/** Node one has gone on alone. */
const report: StatusReport = {
  ...statusReport(state, { ...state.local, volume, mounted: true, t: "running" }),
  memberHealthy: true,
};
const member = (name: string, peerUrl: string): Member => ({ id: "17", name, peerUrls: [peerUrl] });
const E1 = member("E1", "https://10.77.2.11:2380");
const E2 = member("E2", "https://10.77.2.12:2380");
const T = member("T", "https://10.77.2.11:2382");
const seen: Seen = {
  report,
  members: [E1, E2, T],
  own: "E1",
  lost: { name: "E2", peerUrl: "https://10.77.2.12:2380", answers: false },
};
const withVolume = (change: Partial<Volume>): Seen => ({
  ...seen,
  report: { ...report, local: { ...report.local, volume: { ...volume, ...change } } },
});

describe("a node gives its sibling up", () => {
  test("when it carries the site alone", () => {
    expect(objections(seen)).toEqual([]);
  });

  test("also when an earlier run has removed the member, or added the new one", () => {
    expect(objections({ ...seen, members: [E1, T] })).toEqual([]);
    expect(objections({ ...seen, members: [E1, T, { ...E2, name: "" }] })).toEqual([]);
  });

  const there = (what: string) =>
    `n2 is there: its ${what} answers. Only a lost machine is replaced; power it off first.`;
  const noSite =
    "n1 does not run the third member T, so it does not carry the site alone; `tandem status` says why it waits.";

  test.each<[string, Seen, string]>([
    ["its agent answers", { ...seen, report: { ...report, siblingSays: HELLO } }, there("agent")],
    ["its etcd answers", { ...seen, lost: { ...seen.lost, answers: true } }, there("etcd")],
    ["its DRBD answers", withVolume({ connection: "Connected" }), there("DRBD")],
    ["this node is not the holder", withVolume({ role: "Secondary" }), noSite],
    ["the volume is frozen", withVolume({ frozen: true }), noSite],
    ["T is dead", { ...seen, report: { ...report, local: { ...report.local, t: "dead" } } }, noSite],
    [
      "the other copy may have more",
      withVolume({ peerDisk: "Unknown" }),
      "The volume is UpToDate here, and DRBD has the copy of n2 down as Unknown; it must be UpToDate here and Outdated or " +
        "Inconsistent there: then no write is on the lost machine alone. Wait until this node has taken over.",
    ],
    [
      "this copy has less",
      withVolume({ disk: "Diskless" }),
      "The volume is Diskless here, and DRBD has the copy of n2 down as Outdated; it must be UpToDate here and Outdated or " +
        "Inconsistent there: then no write is on the lost machine alone. Wait until this node has taken over.",
    ],
    [
      "the copies have diverged",
      withVolume({ splitBrain: true }),
      "DRBD reports a split brain: the copy of n2 may hold writes that this one misses. Choose a copy first.",
    ],
    [
      "there would be no quorum",
      { ...seen, members: [E1, E2, { ...T, name: "" }] },
      "etcd has a quorum without n2 only with E1 and T, and it lists E1, E2; see `journalctl -u etcd`.",
    ],
    [
      "there is no quorum",
      { ...seen, report: { ...report, memberHealthy: false } },
      "etcd has a quorum without n2 only with E1 and T, and it lists E1, E2, T while E1 knows no leader; see `journalctl -u etcd`.",
    ],
  ])("not when %s", (_why, spoiled, message) => {
    expect(objections(spoiled)).toEqual([message]);
  });
});

test("etcd is told what it does not know yet", () => {
  expect(planOf(seen)).toEqual({ remove: E2, add: true });
  expect(planOf({ ...seen, members: [E1, T] })).toEqual({ remove: undefined, add: true });
  expect(planOf({ ...seen, members: [E1, T, { ...E2, name: "" }] })).toEqual({ remove: undefined, add: false });
});
