import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { longestGap } from "../e2e/load/history.ts";
import { Load, type Report, SafetyError } from "../e2e/load/load.ts";
import { nowNs } from "../e2e/load/operation.ts";
import { type Heal, Skipped } from "./faults/fault.ts";
import { inject } from "./faults/inject.ts";
import { judge, type ReadWindow } from "./judge.ts";
import { describe, twoHolders } from "./monitor.ts";
import { acknowledgedPerSlot, gapsOf, type Result } from "./results.ts";
import type { Rig } from "./rig.ts";
import { describeFault, type Machine, nodes, type Schedule, type Step } from "./schedule.ts";

/** Of each of two endpoints: the machines have one CPU each, and are to be busy with what they are judged by. */
const writesPerSecond = 12;
/** From the last heal until the site is as it was: boots, a resync, a hand-over. */
const homeLimitMs = 150_000;
const settleMs = 1000;
/** The read hold-off of the lab's site; a machine that stands still for less cannot wake into another's term. */
const readHoldOffMs = 5000;
/** Requests that were under way when the machine stood still. */
const wakingNs = 2e9;

/** What a schedule leaves in the hands of its caller. */
export interface Run {
  result: Result;
  /** The site is not as it should be: the next schedule needs a new one. */
  broken: boolean;
}

/** Runs one schedule under load and judges it. What is needed to understand a failure is kept in `folder`. */
export async function runSchedule(rig: Rig, schedule: Schedule, n: number, folder: string): Promise<Run> {
  const { site, bench, monitor, journals } = rig;
  const events: Result["events"] = [];
  const problems: string[] = [];
  const notTried: string[] = [];
  journals.clear();
  monitor.samples = [];
  const startedAt = new Date();
  const load = await Load.start(site.lab, { ...(await site.etcdClient()), writesPerSecond, mix: "thorough" });
  const startNs = nowNs();
  const tell = (what: string) => events.push({ atMs: Math.round((nowNs() - startNs) / 1e6), what });
  bench.note = tell;
  bench.notTried = (why) => {
    notTried.push(why);
    tell(`not tried: ${why}`);
  };

  const windows: ReadWindow[] = [];
  const ends: Promise<void>[] = [];
  for (const step of schedule.steps.toSorted((a, b) => a.atMs - b.atMs)) {
    const failed = (error: Error) => void problems.push(`${describeFault(step.fault)}: ${error.message}`);
    await sleep(Math.max(0, step.atMs - (nowNs() - startNs) / 1e6));
    // One after the other, so that a fault on a machine that is to die is made before it dies, however slow the lab is.
    await begin(rig, step, windows).then((end) => void ends.push(end().catch(failed)), failed);
  }
  await Promise.all(ends);
  tell("all is healed");
  const healedNs = nowNs();
  const broken = await comesHome(rig, load).then(
    () => false,
    async (error: Error) => {
      problems.push(error.message.split("\n")[0] ?? "");
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "diagnosis.txt"), error.message);
      return true;
    },
  );
  const homeNs = nowNs();
  tell(broken ? "given up" : "the site is protected, with T on node one and the leader on node two");
  const harm = [...twoHolders(monitor.samples), ...(await splitBrains(rig))];
  if (!broken)
    await site.hashesAgree().catch((error: Error) => {
      (error instanceof SafetyError ? harm : problems).push(error.message.split("\n")[0] ?? "");
    });

  const report = await load.stop().catch((error: Error) => {
    problems.push(error.message.split("\n")[0] ?? "");
    return undefined;
  });
  const judged = report && (await judge(rig.checker, report, windows, folder));
  harm.push(...(judged?.harm ?? []));
  problems.push(...harm, ...(judged?.late ?? []));
  const during = { fromNs: startNs, toNs: homeNs };
  const gap = report ? longestGap(report.history.operations, during) : { ms: (homeNs - startNs) / 1e6 };
  if (schedule.gapLimitMs !== undefined && gap.ms > schedule.gapLimitMs)
    problems.push(`${Math.round(gap.ms)} ms without an acknowledged write, allowed are ${schedule.gapLimitMs}`);

  for (const sample of monitor.samples)
    events.push({ atMs: Math.round((sample.atNs - startNs) / 1e6), what: describe(sample) });
  const result: Result = {
    n,
    schedule,
    startedAt: startedAt.toISOString(),
    tookMs: Math.round((nowNs() - startNs) / 1e6),
    passed: problems.length === 0,
    problems: [...new Set(problems)],
    harm,
    notTried,
    operations: judged?.operations ?? 0,
    acknowledged: judged?.acknowledged ?? 0,
    lost: judged?.lost ?? 0,
    stale: judged?.stale ?? 0,
    staleInWindow: judged?.staleInWindow ?? 0,
    notLinearizable: judged?.notLinearizable ?? 0,
    gapMs: Math.round(gap.ms),
    gaps: report ? gapsOf(report.history.operations, during) : [],
    homeMs: broken ? null : Math.round((homeNs - healedNs) / 1e6),
    events: withoutRepeats(events.sort((a, b) => a.atMs - b.atMs)),
    acknowledgedPerSlot: report ? acknowledgedPerSlot(report.history.operations, during) : {},
  };
  if (!result.passed) await keep(rig, result, report, folder);
  if (report && !broken) await forget(rig, report);
  return { result, broken };
}

/** Makes a fault. @returns what waits for as long as the step lasts, counted from now, and heals it */
async function begin(rig: Rig, { forMs, fault }: Step, windows: ReadWindow[]): Promise<() => Promise<void>> {
  const { bench } = rig;
  const leads = fault.kind === "pause" && (await leadsBesideT(rig, fault.where));
  if (fault.kind === "pause" && fault.leading && !leads) {
    bench.notTried(`${describeFault(fault)}: it does not`);
    return async () => {};
  }
  const fromNs = nowNs();
  let heal: Heal;
  try {
    heal = await inject(bench, fault);
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    bench.notTried(`${describeFault(fault)}: ${error.message}`);
    return async () => {};
  }
  bench.note(describeFault(fault));
  return async () => {
    // What is left of the time must not keep the program alive.
    const time = sleep(forMs, undefined, { ref: false });
    await (heal.done ? Promise.race([time, heal.done]) : time);
    await heal();
    bench.note(`healed: ${describeFault(fault)}`);
    if (leads && (nowNs() - fromNs) / 1e6 >= readHoldOffMs)
      windows.push({ endpoint: fault.where === "n1" ? "E1" : "E2", fromNs, toNs: nowNs() + wakingNs });
  };
}

/** Whether a machine has both T and the leader, the one state in which it may wake up and answer from the past. */
async function leadsBesideT({ site, bench, monitor }: Rig, where: Machine): Promise<boolean> {
  if (where === "w" || bench.power.whyDeaf(where)) return false;
  // Not asked of the agent, which may stand still as well.
  const seen = monitor.samples.findLast(({ node }) => node === where);
  return seen?.t === true && site.leadsBesideT(where).catch(() => false);
}

async function comesHome({ site }: Rig, load: Load): Promise<void> {
  await site.untilAtHome(homeLimitMs);
  await Promise.all(["E1", "E2"].map((endpoint) => load.untilWriting(20_000, endpoint)));
  await sleep(settleMs);
}

async function splitBrains({ site, bench }: Rig): Promise<string[]> {
  const found = await Promise.all(
    nodes.map(async (node) => {
      if (bench.power.whyDeaf(node)) return false;
      const { code } = await site.guest(node).run("test -e /var/lib/tandem/split-brain", { check: false });
      return code === 0;
    }),
  );
  return nodes.filter((_, i) => found[i]).map((node) => `DRBD of ${node} reported a split brain`);
}

async function keep(rig: Rig, result: Result, report: Report | undefined, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "schedule.json"), `${JSON.stringify(result.schedule, null, 2)}\n`);
  await writeFile(join(folder, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  if (report) await copyFile(report.file, join(folder, "history.jsonl"));
  await rig.journals.keep(folder);
  for (const guest of rig.site.lab.guests)
    await writeFile(join(folder, `${guest.name}.console`), guest.console(Number.POSITIVE_INFINITY));
}

/** The store would fill in hours of load. */
async function forget({ site }: Rig, report: Report): Promise<void> {
  await site.etcdctl("n1", `compaction ${report.history.closing.revision}`).catch(() => {});
}

function withoutRepeats(events: Result["events"]): Result["events"] {
  const last = new Map<string, string>();
  return events.filter(({ what }) => {
    const who = what.split(" ", 1)[0] ?? "";
    const repeated = last.get(who) === what;
    last.set(who, what);
    return !repeated;
  });
}
