import { describe, expect, test } from "vitest";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { play, protectedSite, runFairly, siteAtRest, withBlankMachine } from "./schedule.ts";
import { comesBack, SINGLE_FAULTS, survives } from "./site.ts";
import type { Side, SimWorld } from "./world.ts";

const MINUTE = 60_000;
const LOST = [
  ["node two", 1, ["n2 loses power", 'n1: the kernel takes the handler\'s "won"']],
  ["node one", 0, ["n1 loses power", "n2: startT"]],
] as const;

/** One node is gone, the other carries the site, and a blank machine has taken the lost one's place. */
function replaced(setup: Setup, side: Side, loss: readonly string[]): SimWorld {
  return withBlankMachine({ ...play(siteAtRest(setup), setup, loss), faults: 0, late: 0 }, side);
}

describe.each(LOST)("a blank machine in the place of %s", (_name, side, loss) => {
  const start = replaced(AS_SHIPPED, side, loss);

  test("gets everything, and the site is protected again, with T on node one", () => {
    expect(comesBack(start, AS_SHIPPED)).toBeNull();
  });

  test("carries the site as well as the lost one did", () => {
    const { world, reached } = runFairly(start, AS_SHIPPED, (w) => protectedSite(w, AS_SHIPPED));
    expect(reached).toBe(true);
    for (const fault of SINGLE_FAULTS) expect(survives(world, AS_SHIPPED, fault)).toBeNull();
  });

  test(
    "never promises what it has not got, whatever breaks meanwhile",
    () => {
      const bounds = { faults: 1, late: 0, order: "paced", kinds: "all", progress: false, ms: 2 * MINUTE } as const;
      const { violation, complete } = explore(replaced(PROMISES, side, loss), PROMISES, bounds);
      expect(violation).toBeNull();
      expect(complete).toBe(true);
    },
    2 * MINUTE,
  );

  test(
    "ends well by random schedules",
    () => {
      expect(drawSchedules(start, AS_SHIPPED, { schedules: 400, steps: 200, seed: 11 }).problem).toBeNull();
    },
    2 * MINUTE,
  );
});
