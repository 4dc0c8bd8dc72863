import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { leftovers } from "./leftovers.ts";
import { noteProvisioned, scenario } from "./scenario.ts";
import { nodes, type Site } from "./site.ts";

const balanced = { kubernetes: "balanced" } as const;
const unit = "tandem-balancer-lab.service";

async function onBalancer(site: Site, command: string): Promise<string> {
  return (await site.lab.guest("w").run(command)).stdout.trim();
}

/** What the balancer has said since a moment of the lab's clock, which the machines share. */
function saidSince(site: Site, ms: number): Promise<string> {
  return onBalancer(site, `journalctl --unit ${unit} --since @${(ms / 1000).toFixed(3)} --output cat --no-pager`);
}

scenario(
  "a site behind a load balancer answers there, without an address that moves, and a second up changes nothing",
  async (site) => {
    const cluster = await Cluster.of(site);
    await cluster.untilReady();
    expect(await cluster.kubectl("get", "--raw", "/readyz")).toBe("ok");
    expect(await cluster.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")).toBe(
      "https://10.77.1.20:6443",
    );
    expect(await cluster.holders()).toEqual([]);
    for (const node of nodes)
      expect((await site.guest(node).run("systemctl is-active keepalived || true")).stdout.trim()).toBe("inactive");
    expect(await onBalancer(site, "ps -o user= -C haproxy | sort -u")).toBe("tandem-balancer");
    expect(await onBalancer(site, "ss -Hltn | grep -o ':6443 ' | sort -u")).toBe(":6443");
    // Only the API server's own certificate is seen there, and only its clients are let in.
    const ask = "curl -sk -o /dev/null -w '%{http_code}' https://127.0.0.1:6443/api/v1/namespaces";
    expect(await onBalancer(site, ask)).toBe("401");
    expect(await site.up(["--expect-no-changes"])).toContain("unchanged");
  },
  balanced,
);

for (const lost of nodes) {
  const survivor = lost === "n1" ? "n2" : "n1";
  scenario(
    `${lost} loses power behind a load balancer: the API goes on at ${survivor}, and no watcher loses an event`,
    async (site) => {
      const cluster = await Cluster.of(site);
      await cluster.untilReady();
      const report = await cluster.withLoad(async (load) => {
        await sleep(2000);
        const since = Date.now();
        await site.guest(lost).powerCut();
        await load.untilWriting(20_000);
        await cluster.untilLeasesHeldBy([survivor]);
        const said = await saidSince(site, since);
        expect(said).toContain(`Server api/${lost} is DOWN`);
        expect(said).not.toContain(`Server api/${survivor} is DOWN`);
        await site.powerOn(lost);
        await site.untilAtHome();
        await cluster.untilReady();
        await site.until(
          `sessions on ${lost} again`,
          20_000,
          async () => (await saidSince(site, since)).includes(`Server api/${lost} is UP`) || undefined,
        );
      });
      expect(report.gapMs).toBeLessThan(10_000);
    },
    balanced,
  );
}

scenario(
  "the backend is cut behind a load balancer: the node that stands aside gets nothing, from the agent's word on",
  async (site) => {
    const cluster = await Cluster.of(site);
    await cluster.untilReady();
    const report = await cluster.withLoad(async (load) => {
      await sleep(2000);
      const since = Date.now();
      await site.lab.cut("n1", "n2", { net: "backend", direction: "both" });
      await load.untilWriting(40_000);
      expect(await site.whoRunsT()).toEqual(["n1"]);
      const said = await saidSince(site, since);
      expect(said).toMatch(/Agent check for server api\/n2 failed.*stands aside/);
      expect(said).not.toContain("Server api/n1 is DOWN");
      // Node two's API server lives, and a client that got to it would wait for its datastore.
      for (let i = 0; i < 6; i++) await cluster.kubectl("get", "namespace", "default");
      await site.lab.heal();
      await site.untilAtHome();
      await cluster.untilReady();
    });
    expect(report.gapMs).toBeLessThan(10_000);
  },
  balanced,
);

scenario(
  "an API server is killed behind a load balancer, and then the balancer: the API is written to within seconds",
  async (site) => {
    const cluster = await Cluster.of(site);
    await cluster.untilReady();
    const report = await cluster.withLoad(async (load) => {
      await sleep(2000);
      await site.guest("n1").run("systemctl kill --signal=KILL kube-apiserver.service");
      await load.untilWriting(20_000);
      await cluster.untilReady();
      await site.lab.guest("w").run(`systemctl kill --signal=KILL ${unit}`);
      await load.untilWriting(20_000);
      await site.lab.guest("w").run(`systemctl reload ${unit}`);
      await load.untilWriting(20_000);
    });
    expect(report.gapMs).toBeLessThan(8_000);
  },
  balanced,
);

scenario(
  "destroy takes the load balancer from its machine, and the control plane from the nodes",
  async (site) => {
    await site.destroy();
    noteProvisioned(false);
    for (const guest of site.lab.guests) {
      expect(await leftovers(guest), guest.name).toEqual([]);
      const look = "ps -eo comm | grep -E '^(kube|haproxy)' || true; ss -Hltn | grep -E ':(6443|2385) ' || true";
      expect((await guest.run(look)).stdout, guest.name).toBe("");
    }
  },
  balanced,
);
