import { expect, test } from "vitest";
import { RULES } from "../../components/arbiter/agent/rules.ts";
import { AS_SHIPPED, type Setup } from "./agent.ts";
import { drawSchedules } from "./random.ts";
import { SCENARIOS } from "./scenarios.ts";
import { protectedSite, runFairly, siteAtRest } from "./schedule.ts";

const rest = siteAtRest(AS_SHIPPED);

const ends = { ...SCENARIOS, "random schedules end well": drawn };

function drawn(setup: Setup): string | null {
  return drawSchedules(rest, setup, { schedules: 300, steps: 150, seed: 3 }).problem?.what ?? null;
}

test.each(Object.entries(ends))("%s", (_, scenario) => {
  expect(scenario(AS_SHIPPED)).toBeNull();
});

test.each(RULES.map((rule, index) => [rule.reason, index] as const))("a site needs the rule: %s", (_, index) => {
  const setup = { ...AS_SHIPPED, rules: RULES.filter((_rule, at) => at !== index) };
  const problems = Object.values(ends).some((scenario) => {
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
