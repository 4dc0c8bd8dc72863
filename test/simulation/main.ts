import { parseArgs } from "node:util";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { explore } from "./explore.ts";
import { drawSchedules } from "./random.ts";
import { siteAtRest } from "./schedule.ts";

const USAGE = `Two real cores in a simulated world.

  npm run simulate -- [--faults N] [--late N] [--swaps N] [--minutes N] [--schedules N] [--steps N] [--seed N]

  --faults     things that break in one explored schedule (2)
  --late       messages lost, late or carried out late, agents slow to see (0)
  --swaps      moves that overtake the one that was due (0)
  --minutes    time for each exploration (5)
  --schedules  random schedules after the exploration (20000), each of --steps moves (200), from --seed (1)`;

const SETUPS: [string, Setup][] = [
  ["DRBD 8.4, leader opposite", AS_SHIPPED],
  ["DRBD 9, leader opposite", { ...AS_SHIPPED, drbd: 9 }],
  ["DRBD 8.4, leader node-one", { ...AS_SHIPPED, leader: "node-one" }],
  ["DRBD 8.4, promises only", PROMISES],
];

function numbers(): Record<"faults" | "late" | "swaps" | "minutes" | "schedules" | "steps" | "seed", number> {
  const given = { faults: "2", late: "0", swaps: "0", minutes: "5", schedules: "20000", steps: "200", seed: "1" };
  const options = Object.fromEntries(Object.keys(given).map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ options });
  const chosen = { ...given, ...values };
  const result = Object.entries(chosen).map(([name, text]) => [name, Number(text)] as const);
  const wrong = result.find(([, value]) => !Number.isFinite(value) || value < 0);
  if (wrong !== undefined) throw new Error(`--${wrong[0]} must be a number from 0`);
  return Object.fromEntries(result) as ReturnType<typeof numbers>;
}

function main(): void {
  const { faults, late, swaps, minutes, schedules, steps, seed } = numbers();
  for (const [name, setup] of SETUPS) {
    const rest = siteAtRest(setup);
    const bounds = { faults, late, swaps, states: Number.MAX_SAFE_INTEGER, ms: minutes * 60_000 };
    const result = explore(rest, setup, bounds);
    const end = result.complete ? "all" : "not all, the time is up";
    console.log(
      `${name}: ${faults} faults, ${late} late, ${swaps} swaps: ${result.states} states (${end}), ` +
        `longest schedule ${result.depth}, ${(result.ms / 1000).toFixed(1)} s`,
    );
    if (result.violation !== null) fail(result.violation.what, result.violation.trace);

    const drawn = drawSchedules(rest, setup, { schedules, steps, seed });
    console.log(
      `${name}: ${drawn.schedules} random schedules, ${drawn.steps} steps, ${(drawn.ms / 1000).toFixed(1)} s`,
    );
    if (drawn.problem !== null) fail(drawn.problem.what, drawn.problem.trace);
  }
}

function fail(what: string, trace: readonly string[]): never {
  console.error(`\n${what}\n\n${trace.map((line, index) => `${index + 1}. ${line}`).join("\n")}`);
  process.exit(1);
}

try {
  main();
} catch (problem) {
  console.error(`${problem instanceof Error ? problem.message : problem}\n\n${USAGE}`);
  process.exit(1);
}
