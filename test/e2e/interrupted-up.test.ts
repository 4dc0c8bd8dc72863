import { once } from "node:events";
import { expect } from "vitest";
import { blankScenario, noteProvisioned } from "./scenario.ts";

blankScenario("an up that is interrupted half-way completes on the next run", async (site) => {
  const up = site.stack.start(["up", "--yes", "--skip-preview"]);
  let output = "";
  up.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    // The volume is made; the members are not yet.
    if (/etcd-n2 creating/.test(output) && !up.killed) up.kill("SIGINT");
  });
  const [code] = await once(up, "exit");
  expect(output).toContain("volume-n1 created");
  expect(code).not.toBe(0);
  expect(output).not.toContain("protected-n1 created");

  await site.up();
  await site.untilAtHome();
  noteProvisioned(true);
  await site.up(["--expect-no-changes"]);
  await site.hashesAgree();
});
