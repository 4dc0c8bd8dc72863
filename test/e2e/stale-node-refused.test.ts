import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";

scenario(
  "node one off, node two commits and goes off, node one back alone: refused until node two returns",
  async (site) => {
    await site.withLoad(async (load) => {
      await sleep(2000);
      await site.guest("n1").powerCut();
      await load.untilWriting(15_000, "E2");
      await site.guest("n2").powerCut();

      await site.powerOn("n1");
      await site.until("the agent of node one", 30_000, () => site.status("n1").catch(() => undefined));
      expect(await load.acknowledgedWithin(15_000)).toBe(0);
      expect(await site.whoRunsT()).toEqual([]);
      const refused = await site.status("n1");
      expect(refused.local.volume.role).toBe("Secondary");
      expect(refused.witness.claim).toBe("lost");
      expect(refused.waits).toBe("the sibling owns the claim: this node waits for it");

      await site.powerOn("n2");
      await load.untilWriting(60_000);
      await site.untilAtHome();
    });
    await site.hashesAgree();
  },
);
