/**
 * How long the API of a site stands still, beside its etcd in the same moment: npm run bench:api -- [--runs N] [--only NAME].
 * The last line tells node one's power cut.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Cluster } from "../e2e/api/cluster.ts";
import { Load } from "../e2e/load/load.ts";
import { nowNs } from "../e2e/load/operation.ts";
import { type NodeName, nodes, Site } from "../e2e/site.ts";
import { markdownTable, median } from "./figures.ts";
import { KUBERNETES_GUESTS, Lab } from "./lab.ts";
import { say, step } from "./progress.ts";

interface Fault {
  name: string;
  /** Which node has the address of the API when it strikes. */
  address: NodeName;
  strike(site: Site): Promise<unknown>;
  heal(site: Site): Promise<unknown>;
}

interface Gaps {
  apiMs: number;
  etcdMs: number;
}

const beforeMs = 3000;
const afterwardsMs = 2000;
const restMs = 30_000;
/** Of etcd's own writers beside those of the API; few, because everything shares two processors. */
const etcdWritesPerSecond = 15;

const kill = (process: string) => (site: Site) =>
  site.guest("n1").run(`systemctl kill --signal=KILL ${process}.service`);
const nothing = async () => {};

const faults: readonly Fault[] = [
  { name: "backend cut, address on node two", address: "n2", strike: cutBackend, heal: (site) => site.lab.heal() },
  { name: "backend cut, address on node one", address: "n1", strike: cutBackend, heal: (site) => site.lab.heal() },
  { name: "API server killed", address: "n1", strike: kill("kube-apiserver"), heal: nothing },
  { name: "keepalived killed", address: "n1", strike: kill("keepalived"), heal: nothing },
  {
    name: "node two loses power",
    address: "n2",
    strike: (site) => site.guest("n2").powerCut(),
    heal: (site) => site.powerOn("n2"),
  },
  {
    name: "node one loses power",
    address: "n1",
    strike: (site) => site.guest("n1").powerCut(),
    heal: (site) => site.powerOn("n1"),
  },
];

function cutBackend(site: Site): Promise<void> {
  return site.lab.cut("n1", "n2", { net: "backend", direction: "both" });
}

/** One fault under the load of both; everything is healed when this returns. */
async function measure(site: Site, cluster: Cluster, fault: Fault): Promise<Gaps> {
  await site.untilAtHome();
  await cluster.untilReady();
  await cluster.moveAddress(fault.address);
  const etcd = await Load.start(site.lab, {
    ...(await site.etcdClient()),
    writesPerSecond: etcdWritesPerSecond,
    mix: "writes",
  });
  let [fromNs, toNs] = [0, 0];
  const api = await cluster.withLoad(async (load) => {
    await sleep(beforeMs);
    fromNs = nowNs() - 1e9;
    await fault.strike(site);
    await sleep(500);
    await load.untilWriting(60_000);
    await etcd.untilWriting(30_000);
    await sleep(afterwardsMs);
    toNs = nowNs();
    await fault.heal(site);
    await site.untilAtHome();
    await cluster.untilReady();
  });
  const report = await etcd.stop();
  report.assertCorrect();
  return { apiMs: api.gapBetween(fromNs, toNs), etcdMs: report.gapBetween(fromNs, toNs).ms };
}

/** What a whole node uses when nobody asks anything of it. */
async function atRest(site: Site): Promise<string[][]> {
  const look = async (node: NodeName) => {
    const { stdout } = await site.guest(node).run("grep -E '^cpu ' /proc/stat; free --mebi");
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = numbers(
      /^cpu +(.*)$/m,
      stdout,
    );
    const [, usedMb = 0] = numbers(/^Mem: +(.*)$/m, stdout);
    const busy = user + nice + system + irq + softirq;
    return { busy, all: busy + idle + iowait, usedMb };
  };
  const before = await Promise.all(nodes.map(look));
  await sleep(restMs);
  const after = await Promise.all(nodes.map(look));
  return nodes.map((node, i) => {
    const [one, two] = [before[i] as Awaited<ReturnType<typeof look>>, after[i] as Awaited<ReturnType<typeof look>>];
    const percent = (100 * (two.busy - one.busy)) / (two.all - one.all);
    return [node, `${percent.toFixed(0)} % of a core`, `${two.usedMb} MB`];
  });
}

function numbers(line: RegExp, text: string): number[] {
  return (line.exec(text)?.[1] ?? "").trim().split(/ +/).map(Number);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "5" }, only: { type: "string" } } });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs must be a whole number from 1 on, not "${values.runs}"`);
  const chosen = faults.filter(({ name }) => values.only === undefined || name.includes(values.only));
  if (chosen.length === 0) throw new Error(`--only fits none of: ${faults.map(({ name }) => name).join("; ")}`);

  const lab = await Lab.start({ name: "bench-api", guests: KUBERNETES_GUESTS, kubernetes: true });
  try {
    const site = await Site.prepare(lab);
    await step("up of a blank site with Kubernetes", () => site.up());
    const cluster = await Cluster.of(site);
    await cluster.untilReady();
    const rest = await step("watch both nodes at rest", () => atRest(site));
    const results: (Gaps & { name: string })[] = [];
    for (const fault of chosen) {
      const seen: Gaps[] = [];
      for (let run = 1; run <= runs; run++)
        seen.push(await step(`${fault.name} (${run} of ${runs})`, () => measure(site, cluster, fault)));
      const [apiMs, etcdMs] = [median(seen.map((one) => one.apiMs)), median(seen.map((one) => one.etcdMs))];
      say(
        `  API ${seen.map((one) => one.apiMs.toFixed(0)).join(", ")} ms; etcd ${seen.map((one) => one.etcdMs.toFixed(0)).join(", ")} ms`,
      );
      results.push({ name: fault.name, apiMs, etcdMs });
    }
    const ms = (value: number) => value.toFixed(0);
    process.stdout.write(
      markdownTable(
        ["fault", "runs", "API gap, median ms", "etcd gap, median ms", "more, ms"],
        results.map(({ name, apiMs, etcdMs }) => [name, `${runs}`, ms(apiMs), ms(etcdMs), ms(apiMs - etcdMs)]),
      ),
    );
    process.stdout.write(markdownTable(["node at rest, all of it", "processor", "memory"], rest));
    const told = results.find(({ name }) => name === "node one loses power");
    // A lost event would have ended the run.
    if (told) say(`api: write gap ${ms(told.apiMs)} ms (etcd gap ${ms(told.etcdMs)} ms), events lost: 0`);
  } finally {
    await lab.stop();
  }
}

await main();
