import { expect } from "vitest";
import { scenario } from "./scenario.ts";
import type { Site } from "./site.ts";

scenario("changed election timeouts roll through the members, node two first, and keep the quorum", async (site) => {
  const before = { n1: await startedAt(site, "n1"), n2: await startedAt(site, "n2") };
  const report = await site.withLoad(async () => {
    await site.stack.change((config) => {
      config.datastore.electionTimeouts = { nodeOne: "1500ms", nodeTwo: "6s" };
    });
    await previewShowsLinesAndNoSecret(site);
    const startedAt = performance.now();
    await site.up();
    await site.untilAtHome();
    expect(performance.now() - startedAt).toBeLessThan(90_000);
  });
  const after = { n1: await startedAt(site, "n1"), n2: await startedAt(site, "n2") };
  expect(after.n2).toBeGreaterThan(before.n2);
  expect(after.n1).toBeGreaterThan(after.n2);
  expect(report.gap().ms).toBeLessThan(5000);
  for (const node of ["n1", "n2"] as const)
    expect((await site.guest(node).run("cat /etc/tandem/etcd/etcd.yaml")).stdout).toContain(
      node === "n1" ? "election-timeout: 1500" : "election-timeout: 6000",
    );
  await site.hashesAgree();
});

/** What a reviewer reads: each line of a node's files that will change, and nothing that must stay secret. */
async function previewShowsLinesAndNoSecret(site: Site): Promise<void> {
  const { stdout } = await site.stack.pulumi(["preview", "--diff", "--color", "never"]);
  expect(stdout).toMatch(/~ election-timeout +: 1000 => 1500$/m);
  expect(stdout).toMatch(/~ election-timeout +: 5000 => 6000$/m);
  const secrets = await site
    .guest("n1")
    .run("sed -n 's/.*shared-secret \"\\(.*\\)\";/\\1/p' /etc/tandem/secrets/drbd.conf");
  expect(secrets.stdout.trim()).not.toBe("");
  for (const secret of ["PRIVATE KEY", secrets.stdout.trim()]) expect(stdout).not.toContain(secret);
}

/** Seconds since 1970 at which the regular member of a node was started last. */
async function startedAt(site: Site, node: "n1" | "n2"): Promise<number> {
  const show = "date +%s.%N -d \"$(systemctl show -p ExecMainStartTimestamp --value etcd | cut -d' ' -f2-3)\"";
  return Number((await site.guest(node).run(show)).stdout);
}
