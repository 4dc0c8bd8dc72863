import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";

scenario("both nodes are rebooted in order, the second before the first is whole: nothing is lost", async (site) => {
  await site.withLoad(async (load) => {
    await sleep(2000);
    await site.reboot("n1");
    await site.reboot("n2");
    await load.untilWriting(60_000);
    await site.untilAtHome();
  });
  expect(await site.whoRunsT()).toEqual(["n1"]);
  await site.hashesAgree();
});
