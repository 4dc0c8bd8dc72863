import { expect } from "vitest";
import { scenario } from "./scenario.ts";
import type { Site } from "./site.ts";

scenario("changed election timeouts roll through the members, node two first, and keep the quorum", async (site) => {
  const before = { n1: await startedAt(site, "n1"), n2: await startedAt(site, "n2") };
  const report = await site.withLoad(async () => {
    await site.stack.change((config) => {
      config.datastore.electionTimeouts = { nodeOne: "1500ms", nodeTwo: "6s" };
    });
    await site.up();
    await site.untilAtHome();
  });
  const after = { n1: await startedAt(site, "n1"), n2: await startedAt(site, "n2") };
  expect(after.n2).toBeGreaterThan(before.n2);
  expect(after.n1).toBeGreaterThan(after.n2);
  expect(report.gap().ms).toBeLessThan(10_000);
  for (const node of ["n1", "n2"] as const)
    expect((await site.guest(node).run("cat /etc/tandem/etcd/etcd.yaml")).stdout).toContain(
      node === "n1" ? "election-timeout: 1500" : "election-timeout: 6000",
    );
  await site.hashesAgree();
});

/** Seconds since 1970 at which the regular member of a node was started last. */
async function startedAt(site: Site, node: "n1" | "n2"): Promise<number> {
  const show = "date +%s.%N -d \"$(systemctl show -p ExecMainStartTimestamp --value etcd | cut -d' ' -f2-3)\"";
  return Number((await site.guest(node).run(show)).stdout);
}
