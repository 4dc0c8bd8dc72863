import type { Result } from "../../torture/results.ts";

/** A schedule that passed. */
export const passed: Result = {
  n: 1,
  schedule: {
    name: "power cut",
    family: "power cut of n1",
    steps: [{ atMs: 2000, forMs: 5500, fault: { kind: "power", where: "n1" } }],
    gapLimitMs: 15_000,
  },
  startedAt: "2026-01-01T00:00:00.000Z",
  tookMs: 20_000,
  passed: true,
  problems: [],
  harm: [],
  notTried: [],
  operations: 900,
  acknowledged: 500,
  lost: 0,
  stale: 0,
  staleInWindow: 0,
  notLinearizable: 0,
  gapMs: 2100,
  gaps: [],
  homeMs: 9000,
  events: [],
  acknowledgedPerSlot: {},
};
