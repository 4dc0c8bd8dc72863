import { describe, expect, test } from "vitest";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { type Bounds, explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { siteAtRest } from "./schedule.ts";
import { comesBack } from "./site.ts";
import { STARTS, startNamed } from "./starts.ts";

/** Much more than it takes, for a busy machine. */
const LONG = 30 * 60_000;
const NINE: Setup = { ...AS_SHIPPED, drbd: 9 };
const NODE_ONE: Setup = { ...AS_SHIPPED, leader: "node-one" };

function exploreAll(setup: Setup, bounds: Pick<Bounds, "faults" | "late">, after: string | null = null): void {
  const all = { order: "paced", kinds: "all", progress: true, ms: LONG } as const;
  const result = explore(startNamed(setup, after), setup, { ...bounds, ...all });
  expect(result.violation).toBeNull();
  expect(result.complete).toBe(true);
}

describe("nothing forbidden happens, and the site comes back from everything", () => {
  test.each([
    ["DRBD 8.4", AS_SHIPPED],
    ["DRBD 9", NINE],
    ["leader node-one", NODE_ONE],
  ])(
    "one fault, at any moment: %s",
    (_, setup) => {
      exploreAll(setup, { faults: 1, late: 0 });
    },
    LONG,
  );

  test(
    "one fault and one late message, or one thing that overtakes another",
    () => exploreAll(PROMISES, { faults: 1, late: 1 }),
    LONG,
  );

  test("two faults", () => exploreAll(PROMISES, { faults: 2, late: 0 }), LONG);

  test.each(Object.keys(STARTS))(
    "one fault after: %s",
    (after) => exploreAll(PROMISES, { faults: 1, late: 0 }, after),
    LONG,
  );
});

describe("random schedules end well", () => {
  test.each([
    ["DRBD 8.4", AS_SHIPPED],
    ["DRBD 9", NINE],
    ["leader node-one", NODE_ONE],
  ])(
    "%s",
    (_, setup) => {
      expect(drawSchedules(siteAtRest(setup), setup, { schedules: 700, steps: 200, seed: 7 }).problem).toBeNull();
    },
    LONG,
  );
});

test("a site whose link was cut comes back when it is mended", () => {
  const cut = { ...siteAtRest(AS_SHIPPED), backend: false, session: false };
  expect(comesBack(cut, AS_SHIPPED)).toBeNull();
});
