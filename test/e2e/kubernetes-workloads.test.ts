import { expect } from "vitest";
import { say } from "../lab/progress.ts";
import { Cluster } from "./api/cluster.ts";
import {
  askForWorkloads,
  deploy,
  importImage,
  type Pod,
  podsLeftovers,
  readyNodes,
  readyPods,
  timesOfSite,
  untilSeen,
} from "./api/pods.ts";
import { scenario } from "./scenario.ts";
import { nodes, type Site } from "./site.ts";

const deployment = "greeter";
/** For the start of a pod on a guest of one processor, beside everything else. */
const startMs = 30_000;

scenario(
  "a node that runs a pod loses power: the pod is replaced on the other node in the computed time, and the node comes back",
  async (site) => {
    const cluster = await Cluster.of(site);
    await site.changed(
      () => askForWorkloads(site),
      async () => {
        await site.up();
        await importImage(site);
        await losePod(site, cluster);
        expect(await site.up(["--expect-no-changes"])).toContain("unchanged");
      },
    );
    // Without workloads again, and with a pod still there.
    await site.up();
    for (const node of nodes) expect(await podsLeftovers(site, node)).toBe("");
    await cluster.kubectl("delete", `deployment/${deployment}`, ...nodes.map((node) => `node/${node}`));
    await site.untilAtHome();
  },
  { kubernetes: true, timeoutMs: 10 * 60_000 },
);

async function losePod(site: Site, cluster: Cluster): Promise<void> {
  const { podsReplacedMs } = await timesOfSite(site);
  const seen = untilSeen(cluster);
  const before = await deploy(cluster, deployment);
  const lost = before.node;
  const survivor = lost === "n1" ? "n2" : "n1";
  // From the other node: over its route to this one's pods.
  expect(await greeting(site, survivor, before)).toBe(before.name);

  await site.guest(lost).powerCut();
  const lostAt = performance.now();
  const after = await seen(`the pod on ${survivor}`, podsReplacedMs + startMs, async () =>
    (await readyPods(cluster, deployment)).find(({ node }) => node === survivor),
  );
  const tookMs = performance.now() - lostAt;
  say(`  the pod of ${lost} is back after ${seconds(tookMs)}; computed: ${seconds(podsReplacedMs)} and its start`);
  expect(await greeting(site, survivor, after)).toBe(after.name);

  await site.powerOn(lost);
  await site.untilAtHome();
  await seen("both nodes ready for pods", 120_000, async () => (await readyNodes(cluster)).length === 2 || undefined);
  await seen("the replacing pod alone", 60_000, async () => {
    const pods = await readyPods(cluster, deployment);
    return (pods.length === 1 && pods[0]?.name === after.name) || undefined;
  });
  expect(await greeting(site, lost, after)).toBe(after.name);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** What a pod says to a node that asks it. */
async function greeting(site: Site, from: (typeof nodes)[number], { address }: Pod): Promise<string> {
  const { stdout } = await site.guest(from).run(`curl --silent --show-error --max-time 5 http://${address}:8080`);
  return stdout.trim();
}
