import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Site as SiteConfig } from "../lab/stack.ts";
import { Cluster } from "./api/cluster.ts";
import { failingUp } from "./failing-up.ts";
import { scenario } from "./scenario.ts";
import { type NodeName, nodes, type Site } from "./site.ts";

type Program = "kube-apiserver" | "kube-scheduler";

const bundle = "/srv/bundle";

/** A program that ends as soon as it is started. */
const crashing = (program: Program) => `printf '#!/bin/sh\\nexit 1\\n' >${program}`;

/** Makes a bundle on both nodes in which one program is what `change` makes of the lab's. @returns its SHA-256 */
async function release(site: Site, program: Program, change: string): Promise<string> {
  const { version } = site.lab.toolchain.kubernetesRelease as { version: string };
  const folder = `${bundle}/kubernetes-${version}`;
  const make = [
    `mkdir -p ${folder}`,
    `ln -sf /opt/bundle/*.tar.gz ${bundle}`,
    // What an earlier call has made of another program stays.
    `ln -s /opt/bundle/kubernetes-${version}/* ${folder} 2>/dev/null || true`,
    `rm -f ${folder}/${program}`,
    `cp /opt/bundle/kubernetes-${version}/${program} ${folder}/`,
    `cd ${folder} && ${change}`,
    `sha256sum ${program}`,
  ];
  const [one, two] = await Promise.all(
    nodes.map((node) => site.guest(node).run(make.join(" && "), { timeoutMs: 60_000 })),
  );
  expect(one?.stdout).toBe(two?.stdout);
  return one?.stdout.slice(0, 64) ?? "";
}

/** A site whose bundle is that of {@link release}. */
const pinned = (program: Program, sha256: string) => (config: SiteConfig) => {
  config.artifacts = { bundle };
  config.kubernetes.sha256[program] = sha256;
};

async function sumOf(site: Site, node: NodeName, program: Program): Promise<string> {
  return (await site.guest(node).run(`sha256sum /usr/local/bin/${program}`)).stdout.slice(0, 64);
}

/** When a program of a node was started, in microseconds of the node's clock, which is the lab's. */
async function startOf(site: Site, node: NodeName, program: Program): Promise<number> {
  const ask = `date +%s%6N; cut -d. -f1 /proc/uptime; systemctl show --value -p ExecMainStartTimestampMonotonic ${program}`;
  const [now = 0, uptime = 0, started = 0] = (await site.guest(node).run(ask)).stdout.trim().split("\n").map(Number);
  return now - uptime * 1e6 + started;
}

scenario(
  "another build of the API server goes to node two, then to node one, and one that does not come up goes no further than node two",
  async (site) => {
    const cluster = await Cluster.of(site);
    const api = "kube-apiserver";
    const good = await release(site, api, `printf x >>${api}`);
    await site.changed(
      () => site.stack.change(pinned(api, good)),
      async () => {
        const report = await cluster.withLoad(async () => {
          await site.up();
          await cluster.untilReady();
        });
        expect(report.gapMs).toBeLessThan(10_000);
        for (const node of nodes) expect(await sumOf(site, node, api)).toBe(good);
        expect(await startOf(site, "n1", api)).toBeGreaterThan(await startOf(site, "n2", api));

        for (const program of [api, "kube-scheduler"] as const) {
          const before = await Promise.all(nodes.map((node) => sumOf(site, node, program)));
          const one = await startOf(site, "n1", program);
          const bad = await release(site, program, crashing(program));
          const during = await cluster.withLoad(async () => {
            const { output } = await failingUp(site, pinned(program, bad));
            expect(output).toContain("upstream was put back as it was before, and works again");
            await sleep(1000);
          });
          expect(during.gapMs).toBeLessThan(10_000);
          expect(await Promise.all(nodes.map((node) => sumOf(site, node, program)))).toEqual(before);
          expect(Math.abs((await startOf(site, "n1", program)) - one)).toBeLessThan(2e6);
          await cluster.untilReady();
        }
      },
    );
  },
  { kubernetes: true, timeoutMs: 10 * 60_000 },
);
