import { describe, expect, test } from "vitest";
import { AS_SHIPPED } from "./agent.ts";
import { GUARDS } from "./guards.ts";
import { Impossible } from "./schedule.ts";
import { scheduleNames } from "./schedules.ts";
import { CASES, caseNamed, edited } from "./switched-off.ts";

describe("a schedule that a guard was made for does no harm as the program ships", () => {
  test.each(Object.entries(GUARDS))("%s", (_, guard) => {
    expect(orImpossible(() => guard(AS_SHIPPED))).toBeNull();
  });
});

/** Some schedules cannot even be played while the guard is there. */
function orImpossible(attempt: () => string | null): string | null {
  try {
    return attempt();
  } catch (problem) {
    if (problem instanceof Impossible) return null;
    throw problem;
  }
}

test.each(CASES.map((each) => [each.name, each] as const))("can be switched off: %s", (_, off) => {
  const { proof } = off.covered ?? {};
  expect(() => edited([off, ...(proof?.others ?? []).map(caseNamed)])).not.toThrow();
  if (proof !== undefined) expect(scheduleNames).toContain(proof.schedule);
});
