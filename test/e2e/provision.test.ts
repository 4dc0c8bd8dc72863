import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { blankScenario, noteProvisioned } from "./scenario.ts";

blankScenario("one up makes a protected site of blank machines, within three minutes", async (site) => {
  const startedAt = performance.now();
  const output = await site.up();
  await site.untilAtHome(30_000);
  expect(performance.now() - startedAt).toBeLessThan(180_000);
  noteProvisioned(true);

  expect(await site.whoRunsT()).toEqual(["n1"]);
  expect(output).not.toContain("PRIVATE KEY");
  const { stdout: mounts } = await site.guest("n2").run("cat /proc/mounts");
  expect(mounts).not.toContain("/var/lib/etcd-transient");

  const report = await site.withLoad(async () => {
    await sleep(5000);
  });
  expect(report.violations).toEqual([]);
  await site.hashesAgree();
});
