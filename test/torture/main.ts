/**
 * Tortures a site on the lab and judges what its clients saw:
 *
 *     npm run torture -- [--schedules N] [--seed N] [--only TEXT]... [--replay schedule.json]
 *
 * Results go to dist/torture/<time>/. The last line of the output sums them up; the exit code is 0 only if every schedule passed.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { say } from "../lab/progress.ts";
import { generator } from "../simulation/random.ts";
import { Campaign } from "./campaign.ts";
import { catalogue, named } from "./catalogue.ts";
import { fixed } from "./fixed.ts";
import { schedules } from "./generate.ts";
import type { Schedule } from "./schedule.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string", multiple: true },
    replay: { type: "string" },
  },
});

function whole(name: "schedules" | "seed", least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number from ${least} on, not "${values[name]}"`);
}

function chosen(seed: number): Schedule[] {
  if (values.replay !== undefined) return [JSON.parse(readFileSync(values.replay, "utf8")) as Schedule];
  const { only } = values;
  if (only === undefined) return schedules(seed, whole("schedules", 1));
  const all = [...catalogue(generator(seed)), ...fixed];
  return only.flatMap((text) => named(all, text));
}

const seed = whole("seed", 0);
const list = chosen(seed);
const campaign = new Campaign(seed, Campaign.newFolder());
say(`seed ${seed}, ${list.length} schedules, results in ${campaign.folder}/`);
try {
  for (const schedule of list) await campaign.run(schedule);
} finally {
  await campaign.end();
}
const inWindow = campaign.results.reduce((sum, { staleInWindow }) => sum + staleInWindow, 0);
const failed = campaign.results.filter(({ passed }) => !passed);
for (const { n, schedule } of failed) console.log(`failed: ${n} ${schedule.name}`);
if (inWindow > 0) console.log(`stale reads of a holder that led and stood still (lock 6), counted apart: ${inWindow}`);
console.log(campaign.total);
process.exitCode = failed.length === 0 ? 0 : 1;
