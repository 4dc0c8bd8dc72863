import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { SITE_GUESTS } from "../lab/lab.ts";
import { scenarioOn } from "./scenario.ts";

const guests = SITE_GUESTS.map((guest) => (guest.name === "n2" ? { ...guest, image: "bookworm" as const } : guest));

scenarioOn(guests, "a node with Debian 12 takes over from one with Debian 13, and hands back", async (site) => {
  await site.up();
  await site.untilAtHome();
  expect((await site.guest("n2").run("cat /etc/debian_version; node --version")).stdout).toMatch(/^12\.\d+\nv18\./);
  const report = await site.withLoad(async (load) => {
    await sleep(3000);
    await site.guest("n1").powerCut();
    await load.untilWriting(15_000, "E2");
    expect(await site.whoRunsT()).toEqual(["n2"]);
    await site.powerOn("n1");
    await site.untilAtHome();
  });
  expect(report.gap().ms).toBeLessThan(10_000);
  await site.hashesAgree();
});
