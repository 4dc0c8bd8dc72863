import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { usedBytes } from "../../../components/cli/preflight/gather.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-used-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("what a folder holds on the disk is counted, holes and missing folders are not", async () => {
  const mebibyte = 2 ** 20;
  mkdirSync(join(folder, "member"));
  writeFileSync(join(folder, "member", "db"), Buffer.alloc(mebibyte, 1));
  truncateSync(join(folder, "member", "db"), 64 * mebibyte);
  const missing = join(folder, "missing");
  const used = await usedBytes([folder, missing]);
  expect(used[missing]).toBe(0);
  expect(used[folder]).toBeGreaterThanOrEqual(mebibyte);
  expect(used[folder]).toBeLessThan(2 * mebibyte);
});
