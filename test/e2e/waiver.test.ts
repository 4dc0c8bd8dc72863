import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { scenario } from "./scenario.ts";
import type { Site } from "./site.ts";

/** The witness loses power; both nodes know of node two's promise. */
async function witnessAway(site: Site): Promise<void> {
  await site.lab.guest("w").powerCut();
  await site.until("a site that survives the loss of node two without the witness", 60_000, async () => {
    const [one, two] = await Promise.all([site.status("n1"), site.status("n2")]);
    // Before anybody has noticed, the site survives it as well.
    const promised = one.waiver === "held" && two.waiver === "given";
    return (promised && one.survives.nodeTwo.yes && two.survives.nodeTwo.yes) || undefined;
  });
}

async function witnessBack(site: Site): Promise<void> {
  const witness = site.lab.guest("w");
  await witness.boot();
  await witness.waitSsh();
}

const PROMISED = "n2 has promised n1 to wait for it, because the witness did not answer";

scenario("the witness is down, and node two loses power: node one goes on by node two's promise", async (site) => {
  const report = await site.withLoad(async (load) => {
    await witnessAway(site);
    const before = await site.status("n1");
    expect(before).toMatchObject({ waiver: "held", survives: { witness: { yes: true } } });
    expect(before.survives.nodeOne).toEqual({ yes: false, why: PROMISED });

    await site.guest("n2").powerCut();
    await load.untilWriting(20_000, "E1");
    expect(await site.whoRunsT()).toEqual(["n1"]);
    const alone = await site.status("n1");
    expect(alone.local.volume).toMatchObject({ role: "Primary", frozen: false, left: before.local.volume.gen });
    expect(alone.witness.answers).toBe(false);

    await site.powerOn("n2");
    await site.until("both copies to be equal again", 90_000, async () => {
      const { volume, disarmed } = (await site.status("n2")).local;
      return (volume.connection === "Connected" && volume.disk === "UpToDate" && disarmed.length === 0) || undefined;
    });
    await load.untilWriting(10_000);
    await witnessBack(site);
    await site.untilAtHome(120_000);
    await load.untilWriting(10_000, "E2");
  });
  expect(report.gap().ms).toBeLessThan(20_000);
  for (const name of ["n1", "n2"] as const) expect((await site.status(name)).waiver).toBe("none");
  await site.hashesAgree();
});

scenario("the witness is down, and node one loses power: node two keeps its promise, witness or not", async (site) => {
  await site.withLoad(async (load) => {
    await witnessAway(site);
    await site.guest("n1").powerCut();
    expect(await load.acknowledgedWithin(10_000)).toBe(0);

    await witnessBack(site);
    await site.until("node two to see the witness", 30_000, async () => {
      return (await site.status("n2")).witness.answers || undefined;
    });
    await sleep(5000);
    const two = await site.status("n2");
    expect(two).toMatchObject({ waiver: "given", runsT: null, waits: "for its sibling, as it has promised" });
    expect(two.local.volume).toMatchObject({ role: "Secondary", connection: "StandAlone" });
    expect(two.survives.nodeOne.yes).toBe(false);
    const { stdout } = await site.guest("n2").run("journalctl -u tandem-agent -p alert --no-pager -n 5");
    expect(stdout).toContain("waits for n1, as it has promised");
    expect(await load.acknowledgedWithin(1000)).toBe(0);

    await site.powerOn("n1");
    await site.untilAtHome(120_000);
    await load.untilWriting(10_000);
  });
  await site.hashesAgree();
});
