import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { nowNs } from "./load/operation.ts";
import { scenario } from "./scenario.ts";

scenario("node one loses power: node two goes on, and hands T back without a loss of quorum", async (site) => {
  let returnedNs = 0;
  const report = await site.withLoad(async (load) => {
    await sleep(3000);
    await site.guest("n1").powerCut();
    await load.untilWriting(15_000, "E2");
    expect(await site.whoRunsT()).toEqual(["n2"]);
    const alone = await site.status("n2");
    expect(alone.local.volume).toMatchObject({ role: "Primary", frozen: false, peerDisk: "Outdated" });
    expect(alone.leader).toBe("E2");
    expect(alone.survives.nodeOne.yes).toBe(true);
    expect(alone.survives.nodeTwo.yes).toBe(false);

    const term = await site.term();
    returnedNs = nowNs();
    await site.powerOn("n1");
    await site.untilAtHome();
    await load.untilWriting(10_000, "E1");
    expect(await site.term()).toBe(term);
  });
  expect(report.gap().ms).toBeLessThan(10_000);
  expect(report.gapBetween(returnedNs).ms).toBeLessThan(10_000);
  expect(await site.whoRunsT()).toEqual(["n1"]);
  await site.hashesAgree();
});
