import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { nowNs } from "./load/operation.ts";
import { scenario } from "./scenario.ts";

scenario("node two loses power, the leader with it: T stays where it is and E1 takes the lead", async (site) => {
  let returnedNs = 0;
  const startOfT = async () =>
    (await site.guest("n1").run("systemctl show -p ExecMainStartTimestampMonotonic etcd-transient")).stdout;
  const before = await startOfT();
  const report = await site.withLoad(async (load) => {
    await sleep(3000);
    await site.guest("n2").powerCut();
    await load.untilWriting(15_000, "E1");
    expect(await site.whoRunsT()).toEqual(["n1"]);
    const alone = await site.status("n1");
    expect(alone.runsT).toBe("n1");
    expect(alone.local.volume).toMatchObject({ role: "Primary", frozen: false, peerDisk: "Outdated" });
    expect(alone.survives.nodeTwo.yes).toBe(true);
    expect(alone.survives.nodeOne.yes).toBe(false);

    returnedNs = nowNs();
    await site.powerOn("n2");
    await site.untilAtHome();
    await load.untilWriting(10_000, "E2");
  });
  expect(report.gap().ms).toBeLessThan(10_000);
  expect(report.gapBetween(returnedNs).ms).toBeLessThan(10_000);
  expect(await startOfT()).toBe(before);
  await site.hashesAgree();
});
