import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";

scenario("both nodes lose power at once and come back: every acknowledged write is there", async (site) => {
  await site.withLoad(async (load) => {
    await sleep(3000);
    await Promise.all([site.guest("n1").powerCut(), site.guest("n2").powerCut()]);
    expect(await load.acknowledgedWithin(2000)).toBe(0);
    await site.powerOn("n1", "n2");
    await load.untilWriting(60_000);
    await site.untilAtHome();
  });
  expect(await site.whoRunsT()).toEqual(["n1"]);
  await site.hashesAgree();
});
