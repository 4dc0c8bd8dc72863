import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bundle } from "../../components/bundle.ts";

describe.each(["cli/main.ts", "arbiter/agent/main.ts"])("the program out of %s", (entry) => {
  it("is the same text each time, and knows nothing of the machine that made it", () => {
    const text = bundle(entry);
    expect(bundle(entry)).toBe(text);
    expect(text).not.toContain(join(import.meta.dirname, "..", ".."));
    expect(text).not.toContain("node_modules");
  });

  it("imports nothing but what Node.js brings", () => {
    const imported = [...bundle(entry).matchAll(/^import [^;]*? from "([^"]+)";$/gm)].map(([, name]) => name);
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.filter((name) => !name?.startsWith("node:"))).toEqual([]);
  });
});

describe("the tandem command", () => {
  it("lists its verbs, and refuses one that it does not know", () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-bundle-"));
    try {
      const file = join(folder, "tandem.mjs");
      writeFileSync(file, bundle("cli/main.ts"));
      const help = execFileSync(process.execPath, [file, "--help"], { encoding: "utf8" });
      expect(help).toContain("  tandem apply [--dry-run] < bundle.json\n");
      expect(() => execFileSync(process.execPath, [file, "toString"], { encoding: "utf8", stdio: "pipe" })).toThrow(
        'tandem: there is no verb "toString"; `tandem --help` lists them',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
