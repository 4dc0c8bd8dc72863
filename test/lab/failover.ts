/** The one experiment that demo and benchmark share: a machine loses power under load, and comes back. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, Load, type Report } from "../e2e/load/load.ts";
import { nowNs } from "../e2e/load/operation.ts";
import { type NodeName, nodes, type Site } from "../e2e/site.ts";
import type { Lab } from "./lab.ts";
import type { PlainEtcd } from "./plain-etcd.ts";

/** Of all endpoints together, so that clusters of two and of three endpoints carry the same load. */
export const writesPerSecond = 30;

const beforeMs = 5000;
const afterwardsMs = 2000;

export interface Failover {
  /** Which machine lost power. */
  machine: string;
  /** Longest time without an acknowledged write around the power cut. */
  gapMs: number;
  /** The same for clients of a surviving machine's endpoint alone; of several the longest. */
  survivorGapMs: number;
  acknowledged: number;
  /** Acknowledged writes that are gone, and all else that no correct store answers. */
  lost: string[];
  violations: string[];
}

/** The plain cluster's leader loses power; it is back when this returns. */
export async function cutPlainLeader(lab: Lab, etcd: PlainEtcd): Promise<Failover> {
  const rate = writesPerSecond / etcd.client.endpoints.length;
  const load = await Load.start(lab, { ...etcd.client, writesPerSecond: rate, mix: "writes" });
  await sleep(beforeMs);
  const leader = lab.guest(await etcd.leader());
  const cutNs = nowNs();
  await leader.powerCut();
  await untilGoingOn(load);
  await leader.boot();
  await leader.waitSsh();
  await etcd.startMember(leader);
  const survivors = etcd.client.endpoints.filter(({ name }) => name !== leader.name);
  return failoverOf(leader.name, await load.stop(), cutNs, survivors);
}

export interface SiteFailover extends Failover {
  /** From power on until the site survives the next loss. */
  protectedMs: number;
  /** From power on until T and the leader are back in their places. */
  homeMs: number;
  /** Longest time without an acknowledged write from power on to the end. */
  returnGapMs: number;
  /** What the surviving node's agent measured, ms since it suspected the loss. */
  marks: Record<string, number>;
}

/** Told as the experiment goes on. */
export type Told = (news: "cut" | "going on" | "power back" | "home", load: Load) => Promise<void>;

export async function cutNode(site: Site, name: NodeName, told: Told = async () => {}): Promise<SiteFailover> {
  const client = await site.etcdClient();
  const load = await Load.start(site.lab, {
    ...client,
    writesPerSecond: writesPerSecond / client.endpoints.length,
    mix: "writes",
  });
  await sleep(beforeMs);
  const survivor: NodeName = name === "n1" ? "n2" : "n1";
  const since = Math.floor(Date.now() / 1000) - 1;
  const cutNs = nowNs();
  await site.guest(name).powerCut();
  await told("cut", load);
  await untilGoingOn(load);
  await told("going on", load);

  const onNs = nowNs();
  const onMs = performance.now();
  await site.powerOn(name);
  await told("power back", load);
  await site.untilProtected(90_000);
  const protectedMs = performance.now() - onMs;
  await site.untilAtHome();
  const homeMs = performance.now() - onMs;
  await sleep(afterwardsMs);
  await told("home", load);
  const report = await load.stop();
  return {
    ...failoverOf(
      name,
      report,
      cutNs,
      client.endpoints.filter((_, i) => nodes[i] !== name),
    ),
    protectedMs,
    homeMs,
    returnGapMs: report.gapBetween(onNs).ms,
    marks: await marksOf(site, survivor, since),
  };
}

async function untilGoingOn(load: Load): Promise<void> {
  await sleep(500);
  await load.untilWriting(30_000);
  await sleep(afterwardsMs);
}

function failoverOf(machine: string, report: Report, cutNs: number, survivors: readonly Endpoint[]): Failover {
  const gapOf = (endpoint?: string) => report.gapBetween(cutNs - 1e9, cutNs + 30e9, endpoint).ms;
  return {
    machine,
    gapMs: gapOf(),
    survivorGapMs: Math.max(...survivors.map(({ name }) => gapOf(name))),
    acknowledged: report.acknowledged,
    lost: report.lost,
    violations: report.violations,
  };
}

/** Lines `tandem-mark name=... ms=...` of the agent's journal; of a name that came twice, the first. */
async function marksOf(site: Site, node: NodeName, sinceSeconds: number): Promise<Record<string, number>> {
  const journal = `journalctl -u tandem-agent --since @${sinceSeconds} -o cat --no-pager`;
  const { stdout } = await site.guest(node).run(journal);
  const marks: Record<string, number> = {};
  for (const [, name, ms] of stdout.matchAll(/^tandem-mark name=(\S+) ms=(\d+)$/gm))
    marks[name as string] ??= Number(ms);
  return marks;
}
