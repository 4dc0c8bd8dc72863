import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";

scenario(
  "witness and node one lose power together: node two waits for its operator, and goes on when overridden",
  async (site) => {
    const [one, two, witness] = [site.guest("n1"), site.guest("n2"), site.lab.guest("w")];
    const tandem = async (words: string) => {
      const { stdout, stderr } = await two.run(`tandem ${words}`, { check: false });
      return `${stdout}${stderr}`;
    };
    const report = await site.withLoad(async (load) => {
      await sleep(2000);
      const early = await tandem("override");
      expect(early).toContain("- DRBD is connected to n1: nothing has to be given up");

      await Promise.all([witness.powerCut(), one.powerCut()]);
      expect(await load.acknowledgedWithin(15_000)).toBe(0);
      const before = await site.status("n2");
      expect(before.local.volume).toMatchObject({ role: "Secondary", disk: "UpToDate", connection: "StandAlone" });

      const told = await tandem("override");
      expect(told).toContain("As far as n2 knows, both copies were equal when the nodes parted.");
      expect(told).toContain(`Nothing was changed. To do it: tandem override --confirm ${before.site}\n`);
      expect(await tandem("override --confirm n1")).toContain(`- This is the site ${before.site}, not n1.`);
      expect((await site.status("n2")).local).toEqual(before.local);
      expect(await load.acknowledgedWithin(3000)).toBe(0);

      expect(await tandem(`override --confirm ${before.site}`)).toContain("n2 goes on with its own copy");
      await load.untilWriting(30_000, "E2");
      expect((await site.status("n2")).local.volume).toMatchObject({ role: "Primary", left: before.local.volume.gen });
      expect(await tandem("override")).toContain("- n2 is Primary and not frozen: it waits for nobody.");

      await Promise.all([witness.boot(), site.powerOn("n1")]);
      await witness.waitSsh();
      await site.untilAtHome(120_000);
      await load.untilWriting(10_000);
    });
    // Both copies were equal when the power failed: nothing that was acknowledged is missing, before the override or after it.
    expect(report.violations).toEqual([]);
    await site.hashesAgree();
  },
);
