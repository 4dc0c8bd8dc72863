import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bounds } from "./explore.ts";
import { mutate } from "./mutate.ts";
import { playBack, shorten } from "./replay.ts";
import { SETUPS, setupNamed } from "./setups.ts";
import { STARTS, startNamed } from "./starts.ts";
import { drawWith, exploreWith, type From } from "./threads.ts";

const USAGE = `Two real cores in a simulated world.

  npm run simulate                       what continuous integration runs
  npm run simulate -- --setup <name> --faults N --late N [--order paced|any] [--kinds all|main]
                  [--after <situation>] [--progress] [--minutes N] [--million-states N]
  npm run simulate -- --setup <name> --schedules N [--steps N] [--seed N]
  npm run simulate -- --replay <file>    a trace that one of the above has written, step by step

  npm run simulate -- --mutations [--only <part of a name>]    every rule, guard and lock switched off, one by one

  --threads N   how many at once (as many as there are processors)
  set-ups: ${Object.keys(SETUPS).join(", ")}
  situations: those of starts.ts`;

interface Exploring extends Omit<Bounds, "ms">, From {
  /** Room in the table of states. */
  states: number;
}

function bounded(each: { setup: string; after?: string; faults: number; late: number }): Exploring {
  return { after: null, order: "paced", kinds: "all", progress: true, states: 4e6, ...each };
}

/** What continuous integration explores; docs/simulation.md says what this covers. */
const EXPLORATIONS: readonly Exploring[] = [
  ...["members", "members-9", "members-node-one"].map((setup) => bounded({ setup, faults: 1, late: 0 })),
  ...Object.keys(STARTS).map((after) => bounded({ setup: "promises", after, faults: 1, late: 0 })),
  bounded({ setup: "promises", faults: 1, late: 1 }),
  bounded({ setup: "promises-9", faults: 1, late: 1 }),
  bounded({ setup: "promises", faults: 2, late: 0 }),
];

const DRAWN: readonly { setup: string; schedules: number }[] = [
  { setup: "members", schedules: 10_000 },
  { setup: "members-9", schedules: 5000 },
  { setup: "members-node-one", schedules: 5000 },
];

const MINUTE = 60_000;

interface Trace extends From {
  what: string;
  steps: string[];
}

const { values } = parseArgs({
  options: {
    setup: { type: "string", default: "members" },
    after: { type: "string" },
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
    progress: { type: "boolean", default: false },
    mutations: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});

function number(
  name: Exclude<
    keyof typeof values,
    "setup" | "after" | "order" | "kinds" | "progress" | "replay" | "mutations" | "only"
  >,
): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} must be a number from 0, not "${values[name]}"`);
}

async function exploreOne({ setup, after, states, ...bounds }: Exploring, ms: number): Promise<void> {
  const before = process.cpuUsage();
  const result = await exploreWith(number("threads"), { setup, after }, { ...bounds, ms }, states);
  const { user, system } = process.cpuUsage(before);
  const end = result.complete ? "all of them" : "NOT ALL: the time or the room is used up";
  const { faults, late, order, kinds, progress } = bounds;
  const limits = `${faults} faults (${kinds} kinds), ${late} late, ${order} order${progress ? ", with progress" : ""}`;
  console.log(
    `${named({ setup, after })}: ${limits}: ${result.states} states (${end}), ${result.transitions} steps, ` +
      `longest schedule ${result.depth}, ${(result.ms / 1000).toFixed(1)} s, ` +
      `${((user + system) / 1e6).toFixed(0)} s of processor time`,
  );
  if (result.violation !== null) fail({ setup, after, what: result.violation.what, steps: result.violation.trace });
  if (!result.complete) process.exitCode = 1;
}

async function drawSome(setup: string, schedules: number): Promise<void> {
  const bounds = { schedules, steps: number("steps"), seed: number("seed") };
  const drawn = await drawWith(number("threads"), setup, bounds);
  console.log(`${setup}: ${drawn.schedules} random schedules, ${drawn.steps} steps, ${(drawn.ms / 1000).toFixed(1)} s`);
  if (drawn.problem !== null) fail({ setup, after: null, what: drawn.problem.what, steps: drawn.problem.trace });
}

const named = ({ setup, after }: From): string => (after === null ? setup : `${setup}, after "${after}"`);

/** Prints the shortest form of the trace, keeps it for `--replay`, and ends. */
function fail({ setup, after, what, steps }: Trace): never {
  const short = shorten(startNamed(setupNamed(setup), after), setupNamed(setup), steps);
  const file = join(tmpdir(), "tandem-trace.json");
  writeFileSync(file, `${JSON.stringify({ setup, after, what, steps: short } satisfies Trace, null, 2)}\n`);
  console.error(`\n${what}\n\n${short.map((line, index) => `${index + 1}. ${line}`).join("\n")}`);
  console.error(`\nStep by step: npm run simulate -- --replay ${file}`);
  process.exit(1);
}

function replay(file: string): void {
  const { setup, after, what, steps } = JSON.parse(readFileSync(file, "utf8")) as Trace;
  const played = playBack(startNamed(setupNamed(setup), after), setupNamed(setup), steps);
  if (played === null) throw new Error(`the schedule in ${file} is not possible any more`);
  console.log(`${named({ setup, after })}: ${what}\n\n${played.lines.join("\n")}`);
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
  const { setup, order, kinds, progress } = values;
  if (kinds !== "main" && kinds !== "all") throw new Error(`--kinds is main or all, not "${kinds}"`);
  if (order !== "paced" && order !== "any") throw new Error(`--order is paced or any, not "${order}"`);
  const states = number("million-states") * 1e6;
  const after = values.after ?? null;
  await exploreOne(
    { setup, after, faults: number("faults"), late: number("late"), order, kinds, progress, states },
    ms,
  );
}

try {
  await main();
} catch (problem) {
  console.error(`${problem instanceof Error ? problem.message : problem}\n\n${USAGE}`);
  process.exitCode = 1;
}
