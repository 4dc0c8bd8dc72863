import { RULES } from "../../components/arbiter/agent/rules.ts";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { Impossible, siteAtRest } from "./schedule.ts";
import { type Attempt, directed } from "./schedules.ts";
import { STARTS, startNamed } from "./starts.ts";
import { GONE_ON, WAITING, waiting } from "./waiting.ts";
import type { SimWorld } from "./world.ts";

/**
 * Looks for anything that goes wrong, in the order in which things are likely to be found, and prints it as JSON: run by
 * switched-off.ts on a copy in which something is missing. The argument is an {@link Order} as JSON.
 */
export interface Order {
  /** Numbers of rules to leave out. */
  rules: number[];
  /** `any`: until something is found. Else the schedules of these names. */
  tries: "any" | string[];
}

export interface Hunt {
  caught: Catch[];
  /** States that were explored, over all tries. */
  states: number;
}

export interface Catch {
  by: string;
  what: string;
}

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

function blind(change: (setup: Setup) => Setup): [string, Attempt][] {
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

function tried([by, attempt]: [string, Attempt]): Catch | null {
  try {
    const what = attempt();
    return what === null ? null : { by, what: firstLine(what) };
  } catch (problem) {
    // A schedule that has become impossible shows nothing; a site that does not even come to rest does.
    if (problem instanceof Impossible) return null;
    return { by, what: problem instanceof Error ? firstLine(problem.message) : "" };
  }
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

function hunt({ rules, tries }: Order): Catch[] {
  const left = RULES.filter((_, index) => !rules.includes(index));
  const change = (setup: Setup): Setup => ({ ...setup, rules: setup.rules.filter((rule) => left.includes(rule)) });
  const known = directed(change(AS_SHIPPED));
  if (tries === "any") {
    for (const each of [...known, ...blind(change)]) {
      const found = tried(each);
      if (found !== null) return [found];
    }
    return [];
  }
  return known
    .filter(([name]) => tries.includes(name))
    .map(tried)
    .filter((found) => found !== null);
}

const caught = hunt(JSON.parse(process.argv[2] ?? "") as Order);
console.log(JSON.stringify({ caught, states } satisfies Hunt));
