import { expect } from "vitest";
import { scenario } from "./scenario.ts";
import { nodes, type Site } from "./site.ts";

scenario("a second up changes nothing, in under ten seconds", async (site) => {
  const before = await startTimes(site);
  const startedAt = performance.now();
  await site.up(["--expect-no-changes"]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  await site.withLoad(() => site.up(["--expect-no-changes"]).then(() => {}));
  expect(await startTimes(site)).toEqual(before);
  await site.hashesAgree();
});

/** When each daemon was started: what was restarted differs. */
async function startTimes(site: Site): Promise<string[]> {
  const units = "etcd tandem-agent etcd-transient";
  return Promise.all(
    nodes.map(
      async (node) => (await site.guest(node).run(`systemctl show -p ExecMainStartTimestampMonotonic ${units}`)).stdout,
    ),
  );
}
