import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { csv } from "../lab/figures.ts";
import { say, step } from "../lab/progress.ts";
import { type Result, row, total } from "./results.ts";
import { Rig } from "./rig.ts";
import { runSchedule } from "./run-schedule.ts";
import type { Schedule } from "./schedule.ts";

/** One schedule after the other on one site, which is made anew only when it does not come back. */
export class Campaign {
  readonly folder: string;
  readonly results: Result[] = [];
  private readonly seed: number;
  private rig: Rig | undefined;

  /** @param folder for results.csv, results.jsonl and, by its number, what is kept of a schedule that failed */
  constructor(seed: number, folder: string) {
    this.seed = seed;
    this.folder = folder;
  }

  /** The folder of a run that begins now. */
  static newFolder(): string {
    return join("dist", "torture", new Date().toISOString().slice(0, 19).replaceAll(":", "-"));
  }

  async run(schedule: Schedule): Promise<Result> {
    const n = this.results.length + 1;
    const kept = join(this.folder, String(n));
    await mkdir(this.folder, { recursive: true });
    const rig = this.rig ?? (await Rig.start());
    this.rig = rig;
    const { result, broken } = await step(`${n}: ${schedule.name}`, () => runSchedule(rig, schedule, n, kept));
    if (broken) await this.end();
    this.results.push(result);
    await appendFile(join(this.folder, "results.jsonl"), `${JSON.stringify(result)}\n`);
    await writeFile(join(this.folder, "results.csv"), csv(this.results.map((one) => row(one, this.seed))));
    const { passed, operations, gapMs, homeMs } = result;
    say(
      `  ${passed ? "passed" : "FAILED"}, ${operations} operations, longest gap ${gapMs} ms, home after ${homeMs} ms`,
    );
    for (const why of result.notTried) say(`  not tried: ${why}`);
    if (!passed) {
      for (const problem of result.problems.slice(0, 5)) say(`  ${problem}`);
      say(`  kept in ${kept}/; again: npm run torture -- --replay ${join(kept, "schedule.json")}`);
    }
    return result;
  }

  async end(): Promise<void> {
    const rig = this.rig;
    this.rig = undefined;
    await rig?.stop();
  }

  /** The line that ends a run. */
  get total(): string {
    return total(this.results);
  }
}
