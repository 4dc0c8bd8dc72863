import { expect, test } from "vitest";
import { RULES } from "../../components/arbiter/agent/rules.ts";
import { AS_SHIPPED, type Setup } from "./agent.ts";
import { mayWrite } from "./etcd.ts";
import { drawSchedules } from "./random.ts";
import { newSite, play, protectedSite, runFairly, siteAtRest } from "./schedule.ts";
import { comesBack, goesOn, SINGLE_FAULTS, survives } from "./site.ts";
import type { SimNode, SimWorld } from "./world.ts";

const rest = siteAtRest(AS_SHIPPED);

const withFirst = (w: SimWorld, change: Partial<SimNode>): SimWorld => ({
  ...w,
  nodes: [{ ...w.nodes[0], ...change }, w.nodes[1]],
});

/** Null when `goal` is met within so many ms of the natural course, nothing being mended. */
function within(w: SimWorld, setup: Setup, ms: number, goal: (w: SimWorld) => boolean): string | null {
  const broken = (label: string) => /boots$|carries again$|is back$|agent starts$/.test(label);
  const run = runFairly(w, setup, goal, (move) => !broken(move.label), ms);
  return run.reached ? null : `not within ${ms} ms:\n${run.trace.join("\n")}`;
}

/** What a site must come through; a rule is needed when one of these does not end well without it. */
const SCENARIOS: Record<string, (setup: Setup) => string | null> = {
  "a new site becomes protected": (setup) => comesBack(newSite(), setup),
  "it survives every single failure": (setup) =>
    SINGLE_FAULTS.map((fault) => survives(rest, setup, fault)).find((problem) => problem !== null) ?? null,
  "it comes back from every single failure": (setup) =>
    SINGLE_FAULTS.map((fault) => comesBack(play(rest, setup, [fault]), setup)).find((each) => each !== null) ?? null,
  "node two takes over before DRBD's own pings have failed": (setup) =>
    within(play(rest, setup, ["n1 loses power"]), setup, 1400, (w) => mayWrite(w, 1)),
  "a loss that DRBD noticed, the witness being away, is acted on when the witness is back": (setup) =>
    goesOn(
      play(rest, setup, ["the witness is down", "n1 loses power", "n2: DRBD notices", "the witness is back"]),
      setup,
    ),
  "a T that died is started again at once, whatever the sibling's silent agent": (setup) => {
    const gone = ["n2: the sibling seems silent", "n2: disconnect", "n2: the agent dies", "n1: DRBD notices"];
    const won = [
      "n1: the agent reads",
      "n1: the handler asks",
      "n1: the witness answers the move",
      "n1: the kernel takes",
    ];
    return within(play(rest, setup, [...gone, ...won, "n1: T dies"]), setup, 1000, (w) => mayWrite(w, 0));
  },
  "a frozen T is killed while the witness is away": (setup) =>
    within(
      play(rest, setup, ["the witness is down", "n2 loses power"]),
      setup,
      10_000,
      (w) => w.nodes[0].frozen && w.nodes[0].t !== "running",
    ),
  "T stops in a split brain": (setup) =>
    within(withFirst(rest, { splitBrain: true }), setup, 10_000, (w) => w.nodes[0].t === "dead"),
  "a door that was closed while the halves met is opened": (setup) =>
    comesBack(withFirst(rest, { door: "closed" }), setup),
  "a promotion that was interrupted is finished": (setup) =>
    within(withFirst(rest, { mounted: false, t: "dead" }), setup, 10_000, (w) => w.nodes[0].mounted && mayWrite(w, 0)),
  "random schedules end well": (setup) =>
    drawSchedules(rest, setup, { schedules: 300, steps: 150, seed: 3 }).problem?.what ?? null,
};

test.each(Object.entries(SCENARIOS))("%s", (_, scenario) => {
  expect(scenario(AS_SHIPPED)).toBeNull();
});

test.each(RULES.map((rule, index) => [rule.reason, index] as const))("a site needs the rule: %s", (_, index) => {
  const setup = { ...AS_SHIPPED, rules: RULES.filter((_rule, at) => at !== index) };
  const problems = Object.values(SCENARIOS).some((scenario) => {
    try {
      return scenario(setup) !== null;
    } catch {
      // A schedule of this scenario is not even possible any more.
      return true;
    }
  });
  expect(problems).toBe(true);
});

test("a protected site stays protected", () => {
  const later = runFairly(rest, AS_SHIPPED, () => false, undefined, 20_000);
  expect(protectedSite(later.world, AS_SHIPPED)).toBe(true);
});
