import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { blankScenario, noteProvisioned } from "./scenario.ts";
import { nodes } from "./site.ts";

blankScenario("one up makes a protected site of blank machines, within three minutes", async (site) => {
  const startedAt = performance.now();
  const output = await site.up();
  await site.untilAtHome();
  expect(performance.now() - startedAt).toBeLessThan(180_000);
  noteProvisioned(true);

  expect(await site.whoRunsT()).toEqual(["n1"]);
  expect(output).not.toContain("PRIVATE KEY");
  const { stdout: mounts } = await site.guest("n2").run("cat /proc/mounts");
  expect(mounts).not.toContain("/var/lib/etcd-transient");

  for (const node of nodes) {
    const { stdout: told } = await site.guest(node).run("tandem status");
    expect(told).toMatch(/^T runs on +n1$/m);
    expect(told).toMatch(/^leader +E2$/m);
    for (const part of ["node one", "node two", "witness"]) expect(told).toMatch(new RegExp(`^  ${part} +yes$`, "m"));
    const { stdout: json } = await site.guest(node).run("tandem status --json");
    expect(JSON.parse(json)).toMatchObject({ node, runsT: "n1", leader: "E2", local: { door: "open" } });
  }

  await site.withLoad(async () => {
    await sleep(5000);
  });
  await site.hashesAgree();
});
