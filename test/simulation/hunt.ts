import { RULES } from "../../components/arbiter/agent/rules.ts";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { ending, SCENARIOS, SCHEDULES } from "./scenarios.ts";
import { Impossible, siteAtRest } from "./schedule.ts";
import { STARTS, startNamed } from "./starts.ts";
import { GONE_ON, WAITING, waiting } from "./waiting.ts";
import type { SimWorld } from "./world.ts";

/**
 * Looks for anything that goes wrong, in the order in which things are likely to be found, and prints the first as JSON:
 * run by mutate.ts on a copy in which something is missing. The argument is the number of a rule to leave out.
 */
export interface Hunt {
  caught: { by: string; what: string } | null;
  /** States that were explored, over all tries. */
  states: number;
}

/** Null when all is well, else what is not. */
type Attempt = () => string | null;

const HOUR = 3_600_000;
let states = 0;

function exploring(start: () => SimWorld, setup: Setup, faults: number, late: number): Attempt {
  return () => {
    const bounds = {
      faults,
      late,
      order: "paced",
      kinds: "all",
      progress: faults + late < 2 || late > 0,
      ms: HOUR,
    } as const;
    const result = explore(start(), setup, bounds);
    states += result.states;
    return result.violation?.what ?? null;
  };
}

const drawing =
  (setup: Setup, schedules: number): Attempt =>
  () =>
    drawSchedules(siteAtRest(setup), setup, { schedules, steps: 150, seed: 5 }).problem?.what ?? null;

function tries(change: (setup: Setup) => Setup): [string, Attempt][] {
  const shipped = change(AS_SHIPPED);
  const promises = change(PROMISES);
  const nine = { ...promises, drbd: 9 as const };
  const nodeOne = { ...shipped, leader: "node-one" as const };
  const operated = { ...shipped, operator: true };
  const overriding =
    (labels: readonly string[]): Attempt =>
    () =>
      drawSchedules(waiting(labels, operated), operated, { schedules: 200, steps: 100, seed: 5 }).problem?.what ?? null;
  const rest = (setup: Setup) => () => siteAtRest(setup);
  return [
    ...Object.entries(SCENARIOS).map(([name, scenario]): [string, Attempt] => [name, () => scenario(shipped)]),
    ...Object.entries(SCHEDULES).map(([name, labels]): [string, Attempt] => [
      `trace ${name}`,
      () => ending(labels, shipped),
    ]),
    ["one fault, with members", exploring(rest(shipped), shipped, 1, 0)],
    ["random schedules", drawing(shipped, 600)],
    ...[...WAITING, ...GONE_ON].map(([name, labels]): [string, Attempt] => [
      `random schedules with an operator: ${name}`,
      overriding(labels),
    ]),
    ["one fault and one late message", exploring(rest(promises), promises, 1, 1)],
    ...Object.keys(STARTS).map((name): [string, Attempt] => [
      `one fault after: ${name}`,
      exploring(() => startNamed(promises, name), promises, 1, 0),
    ]),
    ["one fault, leader node-one", exploring(rest(nodeOne), nodeOne, 1, 0)],
    ["one fault and one late message, DRBD 9", exploring(rest(nine), nine, 1, 1)],
    ["random schedules, leader node-one", drawing(nodeOne, 300)],
    ["random schedules, DRBD 9", drawing(nine, 300)],
    ["two faults", exploring(rest(promises), promises, 2, 0)],
  ];
}

function hunt(change: (setup: Setup) => Setup): Hunt["caught"] {
  for (const [by, attempt] of tries(change)) {
    try {
      const what = attempt();
      if (what !== null) return { by, what: what.split("\n", 1)[0] ?? "" };
    } catch (problem) {
      // A schedule that has become impossible shows nothing; a site that does not even come to rest does.
      if (problem instanceof Impossible) continue;
      return { by, what: problem instanceof Error ? (problem.message.split("\n", 1)[0] ?? "") : "" };
    }
  }
  return null;
}

const [without] = process.argv.slice(2);
const change = (setup: Setup): Setup => ({
  ...setup,
  rules: setup.rules.filter((rule) => without === undefined || rule !== RULES[Number(without)]),
});
const caught = hunt(change);
console.log(JSON.stringify({ caught, states } satisfies Hunt));
