import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { scenario } from "./scenario.ts";

for (const process of ["kube-apiserver", "keepalived"]) {
  scenario(
    `${process} is killed where the address is: the API is written to within seconds, and the address is on one node`,
    async (site) => {
      const cluster = await Cluster.of(site);
      await cluster.moveAddress("n1");
      const report = await cluster.withLoad(async (load) => {
        await sleep(2000);
        await site.guest("n1").run(`systemctl kill --signal=KILL ${process}.service`);
        if (process === "kube-apiserver")
          await site.until("the address on node two, whose API server lives", 8000, async () => {
            const [holder, ...others] = await cluster.holders();
            return (holder === "n2" && others.length === 0) || undefined;
          });
        await load.untilWriting(20_000);
        await cluster.untilReady();
        await sleep(2000);
        expect(await cluster.holders()).toHaveLength(1);
      });
      expect(report.gapMs).toBeLessThan(8_000);
    },
    { kubernetes: true },
  );
}
