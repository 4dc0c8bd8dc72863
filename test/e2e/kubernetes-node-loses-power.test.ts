import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { scenario } from "./scenario.ts";
import { nodes } from "./site.ts";

for (const lost of nodes) {
  const survivor = lost === "n1" ? "n2" : "n1";
  scenario(
    `${lost} loses power with the address of the API: the API goes on at ${survivor}, and no watcher loses an event`,
    async (site) => {
      const cluster = await Cluster.of(site);
      await cluster.moveAddress(lost);
      const report = await cluster.withLoad(async (load) => {
        await sleep(2000);
        await site.guest(lost).powerCut();
        await load.untilWriting(20_000);
        expect(await cluster.holders()).toEqual([survivor]);
        await cluster.untilLeasesHeldBy([survivor]);
        await site.powerOn(lost);
        await site.untilAtHome();
        await cluster.untilReady();
        // Also where keepalived starts before the agent, it watches for the agent's word.
        const said = await site
          .guest(lost)
          .run(
            "journalctl --boot --unit keepalived --output cat | grep -i 'track file .*\\(not found\\|does not exist\\)' || true",
          );
        expect(said.stdout).toBe("");
        // It comes back without taking anything.
        expect(await cluster.holders()).toEqual([survivor]);
      });
      expect(report.gapMs).toBeLessThan(10_000);
    },
    { kubernetes: true },
  );
}
