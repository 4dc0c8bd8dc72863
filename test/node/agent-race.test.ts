import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tandem-race-"));
const file = join(folder, "trap");
const module = join(import.meta.dirname, "..", "..", "components", "arbiter", "agent", "linux", "race.ts");

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs past one point. @returns what ended the process */
function pass(point: string, env: NodeJS.ProcessEnv): Promise<number | NodeJS.Signals | null> {
  const program = `import { race } from ${JSON.stringify(module)}; race(${JSON.stringify(point)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { env: { ...process.env, ...env } });
  return new Promise((resolve) => child.on("exit", (code, signal) => resolve(signal ?? code)));
}

it("a trap ends the agent at its point, once", async () => {
  writeFileSync(file, JSON.stringify({ point: "before startT", signal: "SIGKILL" }));
  expect(await pass("after startT", { TANDEM_RACE: file })).toBe(0);
  expect(await pass("before startT", { TANDEM_RACE: file })).toBe("SIGKILL");
  expect(existsSync(file)).toBe(false);
  expect(await pass("before startT", { TANDEM_RACE: file })).toBe(0);
});

it("no trap is looked for unless the unit names its file", async () => {
  writeFileSync(file, JSON.stringify({ point: "before startT", signal: "SIGKILL" }));
  expect(await pass("before startT", {})).toBe(0);
});
