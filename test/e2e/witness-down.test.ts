import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";

scenario("the witness alone goes down and comes back: nothing happens but a word in the status", async (site) => {
  const witness = site.lab.guest("w");
  const before = await site.status("n1");
  const term = await site.term();
  const report = await site.withLoad(async (load) => {
    await sleep(2000);
    await witness.powerCut();
    await site.until("node one to notice that the witness is down", 20_000, async () => {
      const { witness } = await site.status("n1");
      return witness.answers ? undefined : true;
    });
    await sleep(8000);
    const without = await site.status("n1");
    expect(without).toMatchObject({ runsT: "n1", leader: "E2", survives: { witness: { yes: true } } });
    expect(without.local.volume).toEqual(before.local.volume);
    expect(without.survives.nodeOne.yes).toBe(false);

    await witness.boot();
    await witness.waitSsh();
    await site.untilAtHome();
    await load.untilWriting(5000);
  });
  expect(await site.term()).toBe(term);
  const after = await site.status("n1");
  expect(after.local.volume.gen).toBe(before.local.volume.gen);
  // The tree in memory is a new one, and both nodes have adopted it.
  expect(after.witness.adopted).not.toBe(before.witness.adopted);
  expect(report.gap().ms).toBeLessThan(10_000);
  await site.hashesAgree();
});
