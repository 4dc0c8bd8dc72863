import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  budgetOf,
  defaultElectionTimeouts,
  describeFailover,
  predictFailover,
  type Span,
  type Times,
  timesOf,
} from "../../../components/config/timing.ts";
import { checkTiming, type TimingProblem, warnAboutTiming } from "../../../components/config/timing-rules.ts";
import { siteOf } from "./sample.ts";

const opposite: Times = {
  leader: "opposite",
  heartbeatMs: 100,
  electionTimeoutMs: { nodeOne: 1000, nodeTwo: 5000 },
  readHoldOffMs: 5000,
  killLimitMs: 3000,
  silenceMs: 300,
  waitOffsetMs: 250,
};
const nodeOne: Times = {
  ...opposite,
  leader: "node-one",
  electionTimeoutMs: { nodeOne: 3000, nodeTwo: 5000 },
};

const defaults = timesOf(siteOf());

function expectWithin({ minMs, maxMs }: Span, measuredMs: number): void {
  expect(measuredMs).toBeGreaterThanOrEqual(minMs);
  expect(measuredMs).toBeLessThanOrEqual(maxMs);
}

describe("the predicted failover", () => {
  // By docs/failure-modes.md, with the defaults.
  it("holds what was measured when node two died: the median, the most", () => {
    const { nodeTwoDies } = predictFailover(defaults);
    for (const measuredMs of [1200, 1720]) expectWithin(nodeTwoDies, measuredMs);
  });

  it("holds what was measured when node one died: the least, the median, the most, and up to the claim", () => {
    const { nodeOneDies } = predictFailover(defaults);
    for (const measuredMs of [1190, 1290, 1510]) expectWithin(nodeOneDies, measuredMs);
    const { detection, claim } = budgetOf(defaults);
    const { silenceMs, waitOffsetMs } = defaults;
    expectWithin(detection, silenceMs + 200);
    const apartFromOffset = { minMs: detection.minMs + claim.minMs, maxMs: detection.maxMs + claim.maxMs };
    expectWithin(apartFromOffset, silenceMs + 503 - waitOffsetMs);
  });

  it("of the defaults, leader opposite", () => {
    expect(predictFailover(opposite)).toEqual({
      nodeOneDies: { minMs: 1065, maxMs: 2530 },
      nodeTwoDies: { minMs: 900, maxMs: 3000 },
      linkCut: { minMs: 900, maxMs: 3000 },
      nodeOneDiesLeaderDisplaced: { minMs: 5725, maxMs: 16_900 },
    });
  });

  it("with the leader on node one waits for the read hold-off, and only thaws when node two dies", () => {
    expect(predictFailover(nodeOne)).toEqual({
      nodeOneDies: { minMs: 5725, maxMs: 16_900 },
      nodeTwoDies: { minMs: 525, maxMs: 830 },
      linkCut: { minMs: 525, maxMs: 830 },
      nodeOneDiesLeaderDisplaced: { minMs: 5725, maxMs: 16_900 },
    });
  });

  it("with an impatient leader on node one adds an election when node two dies", () => {
    const impatient = { ...nodeOne, electionTimeoutMs: { nodeOne: 1000, nodeTwo: 5000 } };
    const nodeTwoDies = (silenceMs: number) => predictFailover({ ...impatient, silenceMs }).nodeTwoDies;
    expect(nodeTwoDies(369)).toEqual({ minMs: 594, maxMs: 899 });
    expect(nodeTwoDies(370)).toEqual({ minMs: 595, maxMs: 3900 });
  });

  it("grows by the offset, until the leader gives up and T is held off as well", () => {
    const nodeOneDies = (waitOffsetMs: number) => predictFailover({ ...opposite, waitOffsetMs }).nodeOneDies;
    expect(nodeOneDies(2719)).toEqual({ minMs: 3534, maxMs: 4999 });
    expect(nodeOneDies(2720)).toEqual({ minMs: 3535, maxMs: 16_900 });
    expect(nodeOneDies(15_000)).toEqual({ minMs: 15_815, maxMs: 27_280 });
  });

  it("is written for a reviewer", () => {
    expect(describeFailover(defaults)).toEqual({
      nodeOneDies: "1.115 s to 2.58 s",
      nodeTwoDies: "0.9 s to 3 s",
      linkCut: "0.9 s to 3 s",
      nodeOneDiesLeaderDisplaced: "5.725 s to 16.9 s",
    });
  });
});

describe("detection", () => {
  it("counts the silence from a packet that is up to one ping old", () => {
    expect(budgetOf(opposite).detection).toEqual({ minMs: 425, maxMs: 500 });
  });
});

/** Any times at all, sensible or not. */
const anyTimes: fc.Arbitrary<Times> = fc
  .record({
    leader: fc.constantFrom<Times["leader"]>("opposite", "node-one"),
    heartbeatMs: fc.integer({ min: 0, max: 8000 }),
    nodeOne: fc.integer({ min: 0, max: 60_000 }),
    nodeTwo: fc.integer({ min: 0, max: 60_000 }),
    readHoldOffMs: fc.integer({ min: 0, max: 60_000 }),
    killLimitMs: fc.integer({ min: 0, max: 60_000 }),
    silenceMs: fc.integer({ min: 0, max: 3000 }),
    waitOffsetMs: fc.integer({ min: 0, max: 60_000 }),
  })
  .map(({ nodeOne, nodeTwo, ...times }) => ({ ...times, electionTimeoutMs: { nodeOne, nodeTwo } }));

function adopt(times: Times, { path, nearestMs }: Pick<TimingProblem, "path" | "nearestMs">): Times {
  const key = path.at(-1) as string;
  if (key === "nodeOne" || key === "nodeTwo") {
    return { ...times, electionTimeoutMs: { ...times.electionTimeoutMs, [key]: nearestMs } };
  }
  return { ...times, [`${key}Ms`]: nearestMs };
}

function valueAt(times: Times, { path }: TimingProblem): number {
  const key = path.at(-1) as string;
  if (key === "nodeOne" || key === "nodeTwo") return times.electionTimeoutMs[key];
  return times[`${key}Ms` as "silenceMs"];
}

const complaint = (times: Times, { path }: TimingProblem) =>
  checkTiming(times).find((problem) => problem.path.join() === path.join());

describe("the nearest allowed value", () => {
  it("ends the complaint about its setting", () => {
    fc.assert(
      fc.property(anyTimes, (times) => {
        for (const problem of checkTiming(times)) {
          expect(complaint(adopt(times, problem), problem)).toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is the nearest: a millisecond towards what was asked for is refused", () => {
    fc.assert(
      fc.property(anyTimes, (times) => {
        for (const problem of checkTiming(times)) {
          const step = Math.sign(valueAt(times, problem) - problem.nearestMs);
          const closer = { ...problem, nearestMs: problem.nearestMs + step };
          expect(complaint(adopt(times, closer), problem)).toMatchObject({ nearestMs: problem.nearestMs });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("followed wherever it is given leads to an accepted site", () => {
    fc.assert(
      fc.property(anyTimes, (times) => {
        let settled = times;
        for (let round = 0; round < 4; round++) settled = checkTiming(settled).reduce(adopt, settled);
        expect(checkTiming(settled)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a holder that does not reach the witness", () => {
  it("waits for DRBD to notice, and the read hold-off covers its frozen T even then", () => {
    // 1500 of DRBD + 3000 until the kill + 100, against a sibling that confirms within 425.
    expect(checkTiming({ ...opposite, readHoldOffMs: 4176 })).toEqual([]);
    expect(checkTiming({ ...opposite, readHoldOffMs: 4175 })).toMatchObject([{ nearestMs: 4176 }]);
  });
});

describe("an accepted site", () => {
  const acceptedTimes = anyTimes.map((times) => {
    let settled = times;
    for (let round = 0; round < 4; round++) settled = checkTiming(settled).reduce(adopt, settled);
    return settled;
  });

  it("keeps every rule of the budget", () => {
    fc.assert(
      fc.property(acceptedTimes, (times) => {
        const { detection, claim, thaw } = budgetOf(times);
        const killed = Math.max(detection.maxMs, 1500) + times.killLimitMs + 100;
        expect(detection.minMs + times.waitOffsetMs).toBeGreaterThan(detection.maxMs + claim.maxMs);
        expect(detection.minMs + times.readHoldOffMs).toBeGreaterThan(killed);
        expect(times.killLimitMs).toBeGreaterThan(claim.maxMs + thaw.maxMs);
        expect(times.electionTimeoutMs.nodeTwo).toBeGreaterThanOrEqual(Math.max(5000, times.readHoldOffMs));
        expect(times.electionTimeoutMs.nodeOne).toBeGreaterThanOrEqual(10 * times.heartbeatMs);
        for (const timeoutMs of Object.values(times.electionTimeoutMs)) {
          expect(timeoutMs).toBeGreaterThanOrEqual(5 * times.heartbeatMs);
          expect(timeoutMs).toBeLessThanOrEqual(50_000);
          expect(timeoutMs % times.heartbeatMs).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is predicted to come back, the sooner the shorter its offset", () => {
    fc.assert(
      fc.property(acceptedTimes, (times) => {
        const longer = { ...times, waitOffsetMs: times.waitOffsetMs + 100 };
        for (const [failure, span] of Object.entries(predictFailover(times))) {
          const then = predictFailover(longer)[failure as keyof ReturnType<typeof predictFailover>];
          expect(span.minMs).toBeGreaterThan(0);
          expect(span.maxMs).toBeGreaterThanOrEqual(span.minMs);
          expect(then.maxMs).toBeGreaterThanOrEqual(span.maxMs);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the default election timeouts", () => {
  it("are accepted, and without a warning for the default offset, at every heartbeat up to half a second", () => {
    const heartbeats = fc.integer({ min: 1, max: 500 });
    const holdOffs = fc.integer({ min: 4176, max: 40_000 });
    fc.assert(
      fc.property(fc.constantFrom(opposite, nodeOne), heartbeats, holdOffs, (base, heartbeatMs, readHoldOffMs) => {
        const electionTimeoutMs = defaultElectionTimeouts(base.leader, heartbeatMs, readHoldOffMs);
        const times = { ...base, heartbeatMs, readHoldOffMs, electionTimeoutMs };
        expect(checkTiming(times)).toEqual([]);
        expect(warnAboutTiming(times)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
