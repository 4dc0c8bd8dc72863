import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { MARK, OUT_OF_SERVICE } from "../../components/arbiter/agent/out-of-service.ts";
import { containerImage } from "../lab/container-image.ts";
import { say } from "../lab/progress.ts";
import { Cluster } from "./api/cluster.ts";
import { askForWorkloads, deploy, importImage, readyNodes, readyPods, timesOfSite, untilSeen } from "./api/pods.ts";
import { scenario } from "./scenario.ts";
import { type NodeName, nodes, type Site } from "./site.ts";

const deployment = "greeter";
const statefulSet = "keeper";
/** For the start of a pod on a guest of one processor, beside everything else. */
const startMs = 30_000;
/** controller-manager looks for what it may delete by force every 20 s. */
const collectedMs = 20_000 + 10_000;

scenario(
  "a node loses power and is marked out of service by the winner of the claim: its pods are replaced before their time, a StatefulSet's as well; a kubelet that is only stopped marks nothing",
  async (site) => {
    const cluster = await Cluster.of(site);
    const ask = async () => {
      await askForWorkloads(site);
      await site.stack.change(({ kubernetes }) => {
        kubernetes.outOfServiceTaint = true;
      });
    };
    await site.changed(ask, async () => {
      await site.up();
      await importImage(site);
      await losePods(site, cluster);
      expect(await site.up(["--expect-no-changes"])).toContain("unchanged");
    });
    await site.up();
    const rights = ["clusterrole/tandem-agent", "clusterrolebinding/tandem-agent"];
    const workloads = [`deployment/${deployment}`, `statefulset/${statefulSet}`];
    await cluster.kubectl("delete", ...workloads, ...rights, ...nodes.map((node) => `node/${node}`));
    await site.untilAtHome();
  },
  { kubernetes: true, timeoutMs: 12 * 60_000 },
);

async function losePods(site: Site, cluster: Cluster): Promise<void> {
  const seen = untilSeen(cluster);
  const { podsReplacedMs, podEvictionMs, nodeMonitorGraceMs } = await timesOfSite(site);
  const { node: lost } = await deploy(cluster, deployment);
  const survivor = lost === "n1" ? "n2" : "n1";
  await cluster.kubectl("cordon", survivor);
  await keep(site, cluster);
  await seen("the StatefulSet's pod", 60_000, async () => (await readyPods(cluster, statefulSet))[0]);
  await cluster.kubectl("uncordon", survivor);

  await site.guest(survivor).run("systemctl stop kubelet.service");
  await seen("a node whose kubelet is silent", nodeMonitorGraceMs + 30_000, async () => {
    return !(await readyNodes(cluster)).includes(survivor) || undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, 8000));
  expect(await mark(cluster, survivor)).toEqual({ tainted: false, by: undefined });
  await site.guest(survivor).run("systemctl start kubelet.service");
  await seen("both nodes ready", 60_000, async () => (await readyNodes(cluster)).length === 2 || undefined);

  await site.guest(lost).powerCut();
  const lostAt = performance.now();
  const back = (what: string, limitMs: number) =>
    seen(`a pod of ${what} on ${survivor}`, limitMs, async () => {
      const found = (await readyPods(cluster, what)).find(({ node }) => node === survivor);
      return found && performance.now() - lostAt;
    });
  // Without the time for which a pod tolerates that its node is silent.
  const computedMs = podsReplacedMs - podEvictionMs;
  const [deployedMs, keptMs] = await Promise.all([
    back(deployment, podsReplacedMs + startMs),
    back(statefulSet, podsReplacedMs + startMs + collectedMs),
  ]);
  say(
    `  the pods of ${lost} are back after ${seconds(deployedMs)}, the StatefulSet's after ${seconds(keptMs)}; computed: ${seconds(computedMs)}, its collection and their start`,
  );
  expect(deployedMs).toBeLessThan(computedMs + startMs);
  expect(keptMs).toBeLessThan(computedMs + collectedMs + startMs);
  expect(await mark(cluster, lost)).toEqual({ tainted: true, by: survivor });
  expect(await status(site, survivor)).toMatch(new RegExp(`out-of-service taint +${lost} is marked by ${survivor}\n`));

  // Another agent finds the mark where it is.
  await site.guest(survivor).run("systemctl restart tandem-agent.service");
  await site.powerOn(lost);
  await site.untilAtHome();
  await seen("both nodes ready for pods", 120_000, async () => (await readyNodes(cluster)).length === 2 || undefined);
  await seen("no mark", 20_000, async () => {
    const { tainted, by } = await mark(cluster, lost);
    return (!tainted && by === undefined) || undefined;
  });
  for (const node of nodes)
    await seen(
      `${node} telling so`,
      20_000,
      async () => /taint +no node is marked\n/.test(await status(site, node)) || undefined,
    );
  for (const workload of [deployment, statefulSet])
    await seen(`one pod of ${workload}`, 60_000, async () => {
      const pods = await readyPods(cluster, workload);
      return (pods.length === 1 && pods[0]?.node === survivor) || undefined;
    });
}

/** A StatefulSet of one pod. */
async function keep(site: Site, cluster: Cluster): Promise<void> {
  const labels = { app: statefulSet };
  const containers = [{ name: "keeper", image: containerImage, command: ["/container", "serve"] }];
  const object = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: statefulSet },
    spec: {
      serviceName: statefulSet,
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
  const file = join(site.lab.folder, "statefulset.json");
  await writeFile(file, JSON.stringify(object));
  await cluster.kubectl("apply", "--filename", file);
}

async function mark(cluster: Cluster, node: NodeName): Promise<{ tainted: boolean; by: string | undefined }> {
  const { metadata, spec } = JSON.parse(await cluster.kubectl("get", "node", node, "-o", "json"));
  const taints: { key: string }[] = spec.taints ?? [];
  return { tainted: taints.some(({ key }) => key === OUT_OF_SERVICE.key), by: metadata.annotations?.[MARK] };
}

async function status(site: Site, node: NodeName): Promise<string> {
  return (await site.guest(node).run("tandem status")).stdout;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
