import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { scenario } from "./scenario.ts";

scenario(
  "the backend is cut with the address on the node that loses its quorum: the address goes to the one that has it",
  async (site) => {
    const cluster = await Cluster.of(site);
    await cluster.moveAddress("n2");
    const report = await cluster.withLoad(async (load) => {
      await sleep(2000);
      await site.lab.cut("n1", "n2", { net: "backend", direction: "both" });
      await load.untilWriting(40_000);
      expect(await site.whoRunsT()).toEqual(["n1"]);
      await site.until("the address on node one alone", 20_000, async () => {
        const holders = await cluster.holders();
        return (holders.length === 1 && holders[0] === "n1") || undefined;
      });
      for (const [node, word] of [
        ["n1", "0"],
        ["n2", "1"],
      ] as const)
        expect((await site.guest(node).run("cat /run/tandem/aside")).stdout.trim()).toBe(word);
      await site.lab.heal();
      await site.untilAtHome();
      await cluster.untilReady();
    });
    expect(report.gapMs).toBeLessThan(20_000);
  },
  { kubernetes: true },
);
