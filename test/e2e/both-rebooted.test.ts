import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";

scenario("both nodes are rebooted in order, the second before the first is whole: nothing is lost", async (site) => {
  const report = await site.withLoad(async (load) => {
    await sleep(2000);
    await site.reboot("n1");
    await site.reboot("n2");
    await load.untilWriting(20_000);
    await site.untilAtHome(60_000);
  });
  // From the moment when the second goes down until the first has booted and caught up with it, there is no quorum.
  expect(report.gap().ms).toBeLessThan(45_000);
  expect(await site.whoRunsT()).toEqual(["n1"]);
  await site.hashesAgree();
});
