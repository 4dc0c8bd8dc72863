import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "../../components/cli/apply/lock.ts";

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-lock-"));
  lock = join(folder, "lock");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

it("lets one work at a time", async () => {
  const seen: string[] = [];
  const work = (name: string) =>
    withLock(lock, 10, async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen.push(`${name} ends`);
    });
  await Promise.all([work("a"), work("b")]);
  const first = seen[0]?.[0] ?? "";
  const second = first === "a" ? "b" : "a";
  expect(seen).toEqual([`${first} begins`, `${first} ends`, `${second} begins`, `${second} ends`]);
});

it("is free again after a failure", async () => {
  await expect(
    withLock(lock, 1, () => {
      throw new Error("broken");
    }),
  ).rejects.toThrow("broken");
  expect(await withLock(lock, 1, async () => "mine")).toBe("mine");
});

it("is free again when its owner was killed", async () => {
  const source = new URL("../../components/cli/apply/lock.ts", import.meta.url).href;
  const program = `import { withLock } from ${JSON.stringify(source)};
    await withLock(${JSON.stringify(lock)}, 5, () => { console.log("held"); return new Promise((r) => setTimeout(r, 60_000)); });`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(owner.stdout, "data");
  owner.kill("SIGKILL");
  expect(await withLock(lock, 5, async () => "mine")).toBe("mine");
});

it("says who to look for when it waits in vain", async () => {
  await withLock(lock, 1, async () => {
    await expect(withLock(lock, 1, async () => {})).rejects.toThrow(
      `another \`tandem apply\` or \`tandem remove\` has been running on this machine for 1 s (lock ${lock}); wait for it, or ` +
        "see what it does with `ps -ef | grep tandem`, and run this again",
    );
  });
});
