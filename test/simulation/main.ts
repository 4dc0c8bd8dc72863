import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bounds } from "./explore.ts";
import { mutate } from "./mutate.ts";
import { playBack, shorten } from "./replay.ts";
import { siteAtRest } from "./schedule.ts";
import { SETUPS, setupNamed } from "./setups.ts";
import { drawWith, exploreWith } from "./threads.ts";

const USAGE = `Two real cores in a simulated world.

  npm run simulate                       what continuous integration runs
  npm run simulate -- --setup <name> --faults N --late N [--order paced|any] [--kinds all|main]
                  [--minutes N] [--million-states N]
  npm run simulate -- --setup <name> --schedules N [--steps N] [--seed N]
  npm run simulate -- --replay <file>    a trace that one of the above has written, step by step

  npm run simulate -- --mutations [--only <part of a name>]    every rule, guard and lock switched off, one by one

  --threads N   how many at once (as many as there are processors)
  set-ups: ${Object.keys(SETUPS).join(", ")}`;

interface Exploring extends Omit<Bounds, "ms"> {
  setup: string;
  /** Room in the table of states. */
  states: number;
}

/** What continuous integration explores; docs/simulation.md says what this covers. */
const EXPLORATIONS: readonly Exploring[] = [
  { setup: "promises", faults: 1, late: 1, order: "paced", kinds: "all", states: 1e6 },
  { setup: "members", faults: 1, late: 0, order: "paced", kinds: "all", states: 1e6 },
  { setup: "members-9", faults: 1, late: 0, order: "paced", kinds: "all", states: 1e6 },
  { setup: "members-node-one", faults: 1, late: 0, order: "paced", kinds: "all", states: 1e6 },
  { setup: "promises", faults: 2, late: 0, order: "paced", kinds: "all", states: 4e6 },
];

const DRAWN: readonly { setup: string; schedules: number }[] = [
  { setup: "members", schedules: 10_000 },
  { setup: "members-9", schedules: 5000 },
  { setup: "members-node-one", schedules: 5000 },
];

const MINUTE = 60_000;

interface Trace {
  setup: string;
  what: string;
  steps: string[];
}

const { values } = parseArgs({
  options: {
    setup: { type: "string", default: "members" },
    faults: { type: "string" },
    late: { type: "string", default: "0" },
    order: { type: "string", default: "paced" },
    kinds: { type: "string", default: "all" },
    minutes: { type: "string", default: "60" },
    "million-states": { type: "string", default: "20" },
    schedules: { type: "string" },
    steps: { type: "string", default: "150" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: String(availableParallelism()) },
    replay: { type: "string" },
    mutations: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});

function number(
  name: Exclude<keyof typeof values, "setup" | "order" | "kinds" | "replay" | "mutations" | "only">,
): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} must be a number from 0, not "${values[name]}"`);
}

async function exploreOne({ setup, faults, late, order, kinds, states }: Exploring, ms: number): Promise<void> {
  const result = await exploreWith(number("threads"), setup, { faults, late, order, kinds, ms }, states);
  const end = result.complete ? "all of them" : "NOT ALL: the time or the room is used up";
  const bounds = `${faults} faults (${kinds} kinds), ${late} late, ${order} order`;
  console.log(
    `${setup}: ${bounds}: ${result.states} states (${end}), ${result.transitions} steps, ` +
      `longest schedule ${result.depth}, ${(result.ms / 1000).toFixed(1)} s`,
  );
  if (result.violation !== null) fail({ setup, what: result.violation.what, steps: result.violation.trace });
  if (!result.complete) process.exitCode = 1;
}

async function drawSome(setup: string, schedules: number): Promise<void> {
  const bounds = { schedules, steps: number("steps"), seed: number("seed") };
  const drawn = await drawWith(number("threads"), setup, bounds);
  console.log(`${setup}: ${drawn.schedules} random schedules, ${drawn.steps} steps, ${(drawn.ms / 1000).toFixed(1)} s`);
  if (drawn.problem !== null) fail({ setup, what: drawn.problem.what, steps: drawn.problem.trace });
}

/** Prints the shortest form of the trace, keeps it for `--replay`, and ends. */
function fail({ setup, what, steps }: Trace): never {
  const rest = siteAtRest(setupNamed(setup));
  const short = shorten(rest, setupNamed(setup), steps);
  const file = join(tmpdir(), "tandem-trace.json");
  writeFileSync(file, `${JSON.stringify({ setup, what, steps: short } satisfies Trace, null, 2)}\n`);
  console.error(`\n${what}\n\n${short.map((line, index) => `${index + 1}. ${line}`).join("\n")}`);
  console.error(`\nStep by step: npm run simulate -- --replay ${file}`);
  process.exit(1);
}

function replay(file: string): void {
  const { setup, what, steps } = JSON.parse(readFileSync(file, "utf8")) as Trace;
  const played = playBack(siteAtRest(setupNamed(setup)), setupNamed(setup), steps);
  if (played === null) throw new Error(`the schedule in ${file} is not possible any more`);
  console.log(`${setup}: ${what}\n\n${played.lines.join("\n")}`);
}

async function main(): Promise<void> {
  if (values.replay !== undefined) return replay(values.replay);
  if (values.mutations) {
    if (!(await mutate(number("threads"), values.only))) process.exitCode = 1;
    return;
  }
  const ms = number("minutes") * MINUTE;
  if (values.schedules !== undefined) return drawSome(values.setup, number("schedules"));
  if (values.faults === undefined) {
    for (const each of EXPLORATIONS) await exploreOne(each, ms);
    for (const { setup, schedules } of DRAWN) await drawSome(setup, schedules);
    return;
  }
  const { setup, order, kinds } = values;
  if (kinds !== "main" && kinds !== "all") throw new Error(`--kinds is main or all, not "${kinds}"`);
  if (order !== "paced" && order !== "any") throw new Error(`--order is paced or any, not "${order}"`);
  const states = number("million-states") * 1e6;
  await exploreOne({ setup, faults: number("faults"), late: number("late"), order, kinds, states }, ms);
}

try {
  await main();
} catch (problem) {
  console.error(`${problem instanceof Error ? problem.message : problem}\n\n${USAGE}`);
  process.exitCode = 1;
}
