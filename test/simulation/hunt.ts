import { RULES } from "../../components/arbiter/agent/rules.ts";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { type Bounds, explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { ending, SCENARIOS, SCHEDULES } from "./scenarios.ts";
import { siteAtRest } from "./schedule.ts";
import { Seen } from "./seen.ts";

/**
 * Looks for anything that goes wrong, in the order in which things are likely to be found, and prints the first as JSON:
 * run by mutate.ts on a copy in which something is missing. The argument is the number of a rule to leave out.
 */
const SECOND = 1000;

export interface Catch {
  by: string;
  what: string;
}

function hunt(change: (setup: Setup) => Setup): Catch | null {
  const shipped = change(AS_SHIPPED);
  const promises = change(PROMISES);
  const nine = { ...promises, drbd: 9 as const };
  const nodeOne = { ...shipped, leader: "node-one" as const };
  const exploring = (setup: Setup, faults: number, late: number, ms: number) => (): string | null => {
    const bounds: Bounds = { faults, late, order: "paced", kinds: "all", ms };
    const share = { seen: new Seen(2_000_000), worker: 0, workers: 1 };
    return explore(siteAtRest(setup), setup, bounds, share).violation?.what ?? null;
  };
  const drawing = (setup: Setup, schedules: number) => (): string | null =>
    drawSchedules(siteAtRest(setup), setup, { schedules, steps: 150, seed: 5 }).problem?.what ?? null;
  const tries: [string, () => string | null][] = [
    ...Object.entries(SCENARIOS).map(([name, scenario]): [string, () => string | null] => [
      name,
      () => scenario(shipped),
    ]),
    ...Object.entries(SCHEDULES).map(([name, labels]): [string, () => string | null] => [
      `trace ${name}`,
      () => ended(labels, shipped),
    ]),
    ["one fault", exploring(promises, 1, 0, 20 * SECOND)],
    ["random schedules", drawing(shipped, 600)],
    ["random schedules of promises", drawing(promises, 600)],
    ["one fault, with members", exploring(shipped, 1, 0, 20 * SECOND)],
    ["one fault and one late message", exploring(promises, 1, 1, 30 * SECOND)],
    ["one fault and one late message, DRBD 9", exploring(nine, 1, 1, 30 * SECOND)],
    ["random schedules, leader node-one", drawing(nodeOne, 600)],
    ["random schedules, DRBD 9", drawing(nine, 600)],
    ["two faults", exploring(promises, 2, 0, 60 * SECOND)],
    ["many random schedules", drawing(shipped, 3000)],
  ];
  for (const [by, attempt] of tries) {
    const what = attempt();
    if (what !== null) return { by, what: what.split("\n", 1)[0] ?? "" };
  }
  return null;
}

/** A schedule that has become impossible shows nothing. */
function ended(labels: readonly string[], setup: Setup): string | null {
  try {
    return ending(labels, setup);
  } catch (problem) {
    if (problem instanceof Error && problem.message.includes("does not become possible")) return null;
    throw problem;
  }
}

const [without] = process.argv.slice(2);
const change = (setup: Setup): Setup => ({
  ...setup,
  rules: setup.rules.filter((rule) => without === undefined || rule !== RULES[Number(without)]),
});
let found: Catch | null;
try {
  found = hunt(change);
} catch (problem) {
  found = { by: "the site itself", what: problem instanceof Error ? (problem.message.split("\n", 1)[0] ?? "") : "" };
}
console.log(JSON.stringify(found));
