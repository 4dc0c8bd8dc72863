import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { noteProvisioned, scenario } from "./scenario.ts";
import { nodes } from "./site.ts";

scenario(
  "destroy takes the control plane and its address from both nodes",
  async (site) => {
    const cluster = await Cluster.of(site);
    await site.destroy();
    noteProvisioned(false);
    expect(await cluster.holders()).toEqual([]);
    for (const node of nodes) {
      const left =
        "ls /etc/systemd/system /usr/local/bin /etc/keepalived /etc/tandem 2>/dev/null | grep -E 'kube|keepalived.conf$' || true";
      expect((await site.guest(node).run(left)).stdout).toBe("");
      expect((await site.guest(node).run("ps -eo comm | grep -E '^(kube|keepalived)' || true")).stdout).toBe("");
    }
  },
  { kubernetes: true },
);
