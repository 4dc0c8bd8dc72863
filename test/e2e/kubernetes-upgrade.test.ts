import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Site as SiteConfig } from "../lab/stack.ts";
import { Cluster } from "./api/cluster.ts";
import { failingUp } from "./failing-up.ts";
import { scenario } from "./scenario.ts";
import { type NodeName, nodes, type Site } from "./site.ts";

const program = "/usr/local/bin/kube-apiserver";
const bundle = "/srv/bundle";

/** Makes a bundle on both nodes whose API server is what `change` makes of the one they have. @returns its SHA-256 */
async function release(site: Site, change: string): Promise<string> {
  const { version } = site.lab.toolchain.kubernetesRelease as { version: string };
  const folder = `${bundle}/kubernetes-${version}`;
  const make = [
    `mkdir -p ${folder}`,
    `ln -sf /opt/bundle/*.tar.gz ${bundle}`,
    `ln -sf /opt/bundle/kubernetes-${version}/* ${folder}`,
    `rm -f ${folder}/kube-apiserver`,
    `cp /opt/bundle/kubernetes-${version}/kube-apiserver ${folder}/`,
    `cd ${folder} && ${change}`,
    "sha256sum kube-apiserver",
  ];
  const [one, two] = await Promise.all(
    nodes.map((node) => site.guest(node).run(make.join(" && "), { timeoutMs: 60_000 })),
  );
  expect(one?.stdout).toBe(two?.stdout);
  return one?.stdout.slice(0, 64) ?? "";
}

/** A site whose bundle is that of {@link release}. */
const pinned = (sha256: string) => (config: SiteConfig) => {
  config.artifacts = { bundle };
  config.kubernetes.sha256["kube-apiserver"] = sha256;
};

async function sumOf(site: Site, node: NodeName): Promise<string> {
  return (await site.guest(node).run(`sha256sum ${program}`)).stdout.slice(0, 64);
}

/** When the API server of a node was started, in microseconds of the node's clock, which is the lab's. */
async function startOf(site: Site, node: NodeName): Promise<number> {
  const ask =
    "date +%s%6N; cut -d. -f1 /proc/uptime; systemctl show --value -p ExecMainStartTimestampMonotonic kube-apiserver";
  const [now = 0, uptime = 0, started = 0] = (await site.guest(node).run(ask)).stdout.trim().split("\n").map(Number);
  return now - uptime * 1e6 + started;
}

scenario(
  "another build of the API server goes to node two, then to node one, and one that does not come up goes no further than node two",
  async (site) => {
    const cluster = await Cluster.of(site);
    const good = await release(site, "printf x >>kube-apiserver");
    await site.changed(
      () => site.stack.change(pinned(good)),
      async () => {
        const report = await cluster.withLoad(async () => {
          await site.up();
          await cluster.untilReady();
        });
        expect(report.gapMs).toBeLessThan(10_000);
        for (const node of nodes) expect(await sumOf(site, node)).toBe(good);
        const [one, two] = [await startOf(site, "n1"), await startOf(site, "n2")];
        expect(one).toBeGreaterThan(two);

        const bad = await release(site, "printf '#!/bin/sh\\nexit 1\\n' >kube-apiserver");
        const during = await cluster.withLoad(async () => {
          const { output } = await failingUp(site, pinned(bad));
          expect(output).toContain("upstream was put back as it was before, and works again");
          await sleep(1000);
        });
        expect(during.gapMs).toBeLessThan(10_000);
        for (const node of nodes) expect(await sumOf(site, node)).toBe(good);
        expect(Math.abs((await startOf(site, "n1")) - one)).toBeLessThan(2e6);
        await cluster.untilReady();
      },
    );
  },
  { kubernetes: true, timeoutMs: 8 * 60_000 },
);
