/**
 * How fast a site goes on, against a plain three-node etcd on the same machines: npm run bench -- [--runs N] [--quick].
 * Writes runs.csv, puts.csv and summary.md into dist/bench/<time>/.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { assertNone } from "../e2e/load/load.ts";
import { type NodeName, Site } from "../e2e/site.ts";
import { type AtRest, putRows, type Results, runRows, summary } from "./bench-report.ts";
import { cutNode, cutPlainLeader, type Failover, type SiteFailover } from "./failover.ts";
import { csv } from "./figures.ts";
import { Lab, PLAIN_GUESTS, SITE_GUESTS } from "./lab.ts";
import { PlainEtcd } from "./plain-etcd.ts";
import { say, step } from "./progress.ts";
import { type SteadyPuts, steadyPuts } from "./steady.ts";

const restMs = 30_000;

async function bench(runs: number): Promise<Results> {
  const plain = await withLab("bench-plain", PLAIN_GUESTS, async (lab) => {
    const etcd = await startPlain(lab);
    return repeat<Failover>(runs, "the plain etcd's leader loses power", () => cutPlainLeader(lab, etcd));
  });
  return withLab("bench", SITE_GUESTS, async (lab) => {
    const site = await Site.prepare(lab);
    const startedAt = performance.now();
    await step("first up of a blank site", () => site.up());
    await step("wait until the site is protected", () => site.untilAtHome());
    const firstUpMs = performance.now() - startedAt;
    const atRest = await step("watch the agents at rest", () => agentsAtRest(site));
    const one = await repeat<SiteFailover>(runs, "node one loses power", () => cutNode(site, "n1"));
    const two = await repeat<SiteFailover>(runs, "node two loses power", () => cutNode(site, "n2"));
    await site.hashesAgree();
    return { plain, one, two, firstUpMs, atRest, puts: await compareAtRest(site) };
  });
}

/** A plain cluster on fresh machines, with the site idle beside it while it has its turn, and the other way round. */
function compareAtRest(site: Site): Promise<SteadyPuts> {
  return withLab("bench-plain", PLAIN_GUESTS, async (lab) => {
    const etcd = await startPlain(lab);
    return steadyPuts([lab, etcd.client], [site.lab, await site.etcdClient()]);
  });
}

function startPlain(lab: Lab): Promise<PlainEtcd> {
  return step("start a plain three-node etcd", () => PlainEtcd.start(lab));
}

async function withLab<T>(name: string, guests: typeof SITE_GUESTS, work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await Lab.start({ name, guests });
  try {
    return await work(lab);
  } finally {
    await lab.stop();
  }
}

async function repeat<T extends Failover>(runs: number, what: string, experiment: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 1; run <= runs; run++) {
    const result = await step(`${what} (${run} of ${runs})`, experiment);
    say(`  write gap ${result.gapMs.toFixed(0)} ms`);
    assertNone(result.violations);
    results.push(result);
  }
  return results;
}

async function agentsAtRest(site: Site): Promise<AtRest[]> {
  const names: NodeName[] = ["n1", "n2"];
  const before = await Promise.all(names.map((name) => agentUse(site, name)));
  await sleep(restMs);
  const after = await Promise.all(names.map((name) => agentUse(site, name)));
  return names.map((node, i) => ({
    node,
    cpuPercent: (((after[i]?.cpuNs ?? 0) - (before[i]?.cpuNs ?? 0)) / (restMs * 1e6)) * 100,
    rssMb: (after[i]?.rssKb ?? 0) / 1024,
  }));
}

async function agentUse(site: Site, node: NodeName): Promise<{ cpuNs: number; rssKb: number }> {
  const { stdout } = await site.guest(node).run("systemctl show -p CPUUsageNSec -p MainPID tandem-agent");
  const field = (text: string, name: string) => Number(new RegExp(`^${name}[=:]\\s*(\\d+)`, "m").exec(text)?.[1]);
  const status = await site.guest(node).run(`cat /proc/${field(stdout, "MainPID")}/status`);
  return { cpuNs: field(stdout, "CPUUsageNSec"), rssKb: field(status.stdout, "VmRSS") };
}

const { values } = parseArgs({ options: { runs: { type: "string" }, quick: { type: "boolean", default: false } } });
const runs = Number(values.runs ?? (values.quick ? 2 : 10));
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs must be a whole number from 1 on, not "${values.runs}"`);
const results = await bench(runs);
const folder = join("dist", "bench", new Date().toISOString().slice(0, 19).replaceAll(":", "-"));
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "runs.csv"), csv(runRows(results)));
await writeFile(join(folder, "puts.csv"), csv(putRows(results.puts)));
await writeFile(join(folder, "summary.md"), summary(results));
process.stdout.write(summary(results));
say(`Kept in ${folder}/`);
