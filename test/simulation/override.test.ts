import { describe, expect, test } from "vitest";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { explore } from "./explore.ts";
import { moves } from "./moves.ts";
import { drawSchedules } from "./random.ts";
import { play, protectedSite, runFairly, siteAtRest } from "./schedule.ts";
import { comesBack, goesOn } from "./site.ts";
import { GONE_ON, goneOn, overrides, splits, WAITING, waiting } from "./waiting.ts";
import type { SimWorld } from "./world.ts";

const MINUTE = 60_000;
const SITE: Setup = { ...AS_SHIPPED, operator: true };
const PROMISING: Setup = { ...PROMISES, operator: true };
const rest = siteAtRest(SITE);

function random(labels: readonly string[]): void {
  const bounds = { schedules: 100, steps: 150, seed: 13 };
  expect(drawSchedules(waiting(labels, SITE), SITE, bounds).problem).toBeNull();
}

/** @param faults the override is one of them */
function neverForbidden(labels: readonly string[], faults: number): void {
  const bounds = { faults, late: 0, order: "paced", kinds: "main", progress: false, ms: 5 * MINUTE } as const;
  const { violation, complete } = explore(waiting(labels, PROMISING), PROMISING, bounds);
  expect(violation).toBeNull();
  expect(complete).toBe(true);
}

describe.each(WAITING)("%s", (_, labels, node) => {
  const stuck = waiting(labels, SITE);

  test("the site waits, and does not go on by itself", () => {
    expect(goesOn(stuck, SITE)).toMatch(/T does not go on/);
  });
  test("the operator overrides: T goes on", () => {
    expect(goesOn(play(stuck, SITE, [overrides(node)]), SITE)).toBeNull();
  });
  test("afterwards the sibling comes back, and nothing of the override is left", () => {
    const world = goneOn(play(stuck, SITE, [overrides(node)]), SITE);
    expect(comesBack(world, SITE)).toBeNull();
    const { world: whole } = runFairly(world, SITE, (w) => protectedSite(w, SITE));
    for (const { notes } of whole.nodes) expect(notes).toMatchObject({ override: null, superseded: null });
  });
  test(
    "nothing forbidden happens, whatever breaks",
    () => {
      random(labels);
      neverForbidden(labels, 2);
    },
    5 * MINUTE,
  );
});

test("a site that is whole, or goes on by itself, offers no override", () => {
  const offered = (w: SimWorld) => moves({ ...w, faults: 1 }, SITE).some(({ label }) => label.includes("overrides"));
  expect(offered(rest)).toBe(false);
  expect(offered(play(rest, SITE, ["n1 loses power"]))).toBe(false);
  expect(offered(goneOn(play(rest, SITE, ["n1 loses power"]), SITE))).toBe(false);
  expect(offered(waiting(WAITING[0]?.[1] ?? [], SITE))).toBe(true);
});

describe.each(GONE_ON)("%s", (_, labels) => {
  const stuck = waiting(labels, SITE);

  test("the operator overrides the other: T goes on", () => {
    expect(goesOn(stuck, SITE)).toMatch(/T does not go on/);
    expect(goesOn(play(stuck, SITE, [overrides("n2")]), SITE)).toBeNull();
  });
  test("afterwards both copies have gone on, and never meet: T stops in a split brain", () => {
    const { reached, trace } = splits(labels, SITE);
    expect(reached).toBe(true);
    expect(trace.join("\n")).not.toMatch(/DRBD's ends find|openDoor/);
  });
  test(
    "nothing forbidden happens, whatever breaks",
    () => {
      random(labels);
      neverForbidden(labels, 1);
    },
    5 * MINUTE,
  );
});
