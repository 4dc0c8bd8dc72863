import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../lab/go-tools.ts";
import { KUBERNETES_GUESTS } from "../lab/lab.ts";
import { run } from "../lab/process.ts";
import { scenarioOn } from "./scenario.ts";
import { type NodeName, nodes, type Site } from "./site.ts";

/** A program of k3s, with the archive of its images beside it under the name that it was published with. */
const program = process.env.TANDEM_K3S;
const imagesName = "k3s-airgap-images-amd64.tar.zst";
const kubeconfig = "/run/kubeconfig";

if (program === undefined) test.skip("k3s on a site: TANDEM_K3S names no k3s, and none can be built here", () => {});
else
  scenarioOn(KUBERNETES_GUESTS, "k3s answers at the address of the site, also while a node is dead", async (site) => {
    await addK3s(site, program);
    await site.up();
    await site.untilAtHome();
    const input = await site.stack.output("kubeconfig");
    for (const node of nodes) await site.guest(node).run(`umask 077; cat >${kubeconfig}`, { input });
    await site.until("both nodes ready", 300_000, async () => {
      const states = await kubectl(site, "n2", "get nodes --no-headers");
      return states.match(/ Ready /g)?.length === nodes.length || undefined;
    });
    expect(await site.up(["--expect-no-changes"])).toContain("unchanged");

    await site.guest("n1").powerCut();
    await site.until("the API at its address", 60_000, async () => {
      return (await kubectl(site, "n2", "get --raw /readyz")) === "ok" || undefined;
    });
    await site.powerOn("n1");
    await site.untilAtHome();
  });

/** Makes the stack one with k3s, whose files the nodes have beside those of the lab's bundle. */
async function addK3s(site: Site, file: string): Promise<void> {
  const images = join(dirname(file), imagesName);
  const [, version = ""] = /^k3s version (\S+)/.exec((await run([file, "--version"])).stdout) ?? [];
  const bundle = "/var/bundle";
  const folder = `${bundle}/k3s-${version}`;
  for (const node of nodes) {
    // k3s wants a default route, be it to nowhere.
    const route = "ip route show default | grep -q . || ip route add default dev vec0";
    await site.guest(node).run(`mkdir -p ${folder} && ln -s /opt/bundle/* ${bundle} && { ${route}; }`);
    for (const [from, name] of [
      [file, "k3s"],
      [images, imagesName],
    ] as const)
      await site.lab.exec(["scp", "-q", "-F", site.lab.sshConfig, from, `${node}:${folder}/${name}`]);
  }
  await site.lab.guest("w").run(`ln -s /opt/bundle ${bundle}`);
  const sums = { k3s: await sha256(file), images: await sha256(images) };
  await site.stack.change((config) => {
    config.artifacts = { ...config.artifacts, bundle };
    config.kubernetes = { distribution: "k3s", version, sha256: sums, vip: "10.77.1.10/24", interface: "vec0" };
  });
}

async function kubectl(site: Site, node: NodeName, command: string): Promise<string> {
  const argv = `/usr/local/bin/k3s kubectl --kubeconfig ${kubeconfig} --request-timeout=10s ${command}`;
  return (await site.guest(node).run(argv, { timeoutMs: 30_000 })).stdout.trim();
}
