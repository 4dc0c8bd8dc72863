import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { nowNs } from "./load/operation.ts";
import { scenario } from "./scenario.ts";

scenario(
  "the backend is cut: node one goes on, node two does nothing, and after the heal both are one site",
  async (site) => {
    let healedNs = 0;
    const report = await site.withLoad(async (load) => {
      await sleep(3000);
      await site.lab.cut("n1", "n2", { net: "backend", direction: "both" });
      await load.untilWriting(15_000, "E1");
      expect((await site.status("n1")).local.volume).toMatchObject({ frozen: false, peerDisk: "Outdated" });

      for (let look = 0; look < 10; look++) {
        expect(await site.whoRunsT()).toEqual(["n1"]);
        const two = await site.status("n2");
        expect(two.local).toMatchObject({ mounted: false, t: "dead", volume: { role: "Secondary" } });
        await sleep(500);
      }
      expect((await site.status("n2")).witness.claim).toBe("lost");
      expect(await load.acknowledgedWithin(2000, "E2")).toBe(0);

      healedNs = nowNs();
      await site.lab.heal();
      await site.untilAtHome();
      await load.untilWriting(10_000, "E2");
    });
    expect(report.gap().ms).toBeLessThan(10_000);
    expect(report.gapBetween(healedNs).ms).toBeLessThan(10_000);
    await site.hashesAgree();
  },
);
