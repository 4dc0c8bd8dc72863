import { AS_SHIPPED, type Setup } from "./agent.ts";
import { GUARDS } from "./guards.ts";
import { ending, SCENARIOS, SCHEDULES } from "./scenarios.ts";

/** Null when all is well, else what is not. */
export type Attempt = () => string | null;

/** Every schedule that was made for a purpose, by its name. */
export function directed(setup: Setup): [string, Attempt][] {
  return [
    ...Object.entries({ ...GUARDS, ...SCENARIOS }).map(([name, scenario]): [string, Attempt] => [
      name,
      () => scenario(setup),
    ]),
    ...Object.entries(SCHEDULES).map(([name, labels]): [string, Attempt] => [
      `trace ${name}`,
      () => ending(labels, setup),
    ]),
  ];
}

export const scheduleNames: readonly string[] = directed(AS_SHIPPED).map(([name]) => name);
