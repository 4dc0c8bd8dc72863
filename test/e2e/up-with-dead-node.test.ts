import { expect } from "vitest";
import type { CommandError } from "../lab/process.ts";
import type { Load } from "./load/load.ts";
import { scenario } from "./scenario.ts";
import type { Site } from "./site.ts";

scenario("up with node two dead ends within a minute and names it, and completes when it is back", async (site) => {
  const report = await site.withLoad((load) => upWithoutNodeTwo(site, load), 10);
  expect(report.gap().ms).toBeLessThan(10_000);
  await site.hashesAgree();
});

async function upWithoutNodeTwo(site: Site, load: Load): Promise<void> {
  await site.guest("n2").powerCut();
  await site.stack.change((config) => {
    // Neither the default nor what another scenario leaves: node two's member has to change.
    config.datastore.electionTimeouts = { nodeTwo: "5500ms" };
  });
  const startedAt = performance.now();
  const failure = await site.up(["--color", "never"]).then(
    () => undefined,
    (error: CommandError) => error.result,
  );
  expect(performance.now() - startedAt).toBeLessThan(60_000);
  expect(failure?.code).toBeGreaterThan(0);
  expect(failure?.stdout).toMatch(
    /^ {2}command:remote:Command \(etcd-n2\):\n {4}error: after 3 failed attempts: dial tcp 10\.77\.1\.12:22: (connect: no route to host|i\/o timeout)$/m,
  );
  expect(failure?.stdout).not.toMatch(/-(n1|witness)\):\n {4}error:/);
  expect(await site.whoRunsT()).toEqual(["n1"]);
  await load.untilWriting(10_000, "E1");

  await site.powerOn("n2");
  await site.untilAtHome();
  await site.up();
  await site.up(["--expect-no-changes"]);
  await site.untilAtHome();
}
