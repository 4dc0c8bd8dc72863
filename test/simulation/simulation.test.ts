import { describe, expect, test } from "vitest";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { type Bounds, explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { siteAtRest } from "./schedule.ts";
import { comesBack } from "./site.ts";

const MINUTE = 60_000;
const NINE: Setup = { ...AS_SHIPPED, drbd: 9 };
const NODE_ONE: Setup = { ...AS_SHIPPED, leader: "node-one" };

function exploreAll(setup: Setup, bounds: Omit<Bounds, "ms">): void {
  const result = explore(siteAtRest(setup), setup, { ...bounds, ms: 5 * MINUTE });
  expect(result.violation).toBeNull();
  expect(result.complete).toBe(true);
}

describe("nothing forbidden happens", () => {
  test.each([
    ["DRBD 8.4", AS_SHIPPED],
    ["DRBD 9", NINE],
    ["leader node-one", NODE_ONE],
  ])(
    "one fault, at any moment: %s",
    (_, setup) => {
      exploreAll(setup, { faults: 1, late: 0, order: "paced", kinds: "all" });
    },
    5 * MINUTE,
  );

  test(
    "one fault and one late message, or one thing that overtakes another",
    () => {
      exploreAll(PROMISES, { faults: 1, late: 1, order: "paced", kinds: "all" });
    },
    5 * MINUTE,
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
    5 * MINUTE,
  );
});

test("a site whose link was cut comes back when it is mended", () => {
  const cut = { ...siteAtRest(AS_SHIPPED), backend: false, session: false };
  expect(comesBack(cut, AS_SHIPPED)).toBeNull();
});
