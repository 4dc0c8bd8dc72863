import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { askForWorkloads, deploy, importImage, podsLeftovers } from "./api/pods.ts";
import { noteProvisioned, scenario } from "./scenario.ts";
import { nodes } from "./site.ts";

scenario(
  "destroy takes the control plane, its address and what runs pods from both nodes",
  async (site) => {
    const cluster = await Cluster.of(site);
    await site.changed(
      () => askForWorkloads(site),
      async () => {
        await site.up();
        await importImage(site);
        await deploy(cluster, "left-behind");
        await site.destroy();
      },
    );
    noteProvisioned(false);
    expect(await cluster.holders()).toEqual([]);
    for (const node of nodes) {
      const left =
        "ls /etc/systemd/system /usr/local/bin /etc/keepalived /etc/tandem 2>/dev/null | grep -E 'kube|keepalived.conf$' || true";
      expect((await site.guest(node).run(left)).stdout).toBe("");
      expect((await site.guest(node).run("ps -eo comm | grep -E '^(kube|keepalived)' || true")).stdout).toBe("");
      expect(await podsLeftovers(site, node)).toBe("");
    }
  },
  { kubernetes: true },
);
