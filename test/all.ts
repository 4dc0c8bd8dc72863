import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "./lab/cleanup.ts";
import { ensurePackages } from "./lab/packages.ts";
import { ensureToolchain } from "./lab/toolchain.ts";

/**
 * Runs every check of the project and ends with `N passed, N failed, N skipped`. `--quick` leaves out what needs servers
 * or machines.
 */
const quick = process.argv.includes("--quick");
const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "tandem-test-"));
atExit(() => rmSync(scratch, { recursive: true, force: true }));
const total = { passed: 0, failed: 0, skipped: 0 };

interface Counts {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numFailedTestSuites: number;
}

/** Runs a program with its output shown; resolves to its exit code, 128 when a signal ended it. */
function run(title: string, argv: string[]): Promise<number> {
  const began = Date.now();
  console.log(`\n▶ ${title}`);
  return new Promise((resolve) => {
    const [program = "", ...rest] = argv;
    const child = spawn(program, rest, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    const forget = atExit(() => child.kill());
    child.on("error", (error) => console.error(error.message));
    child.on("close", (code) => {
      forget();
      console.log(`${code === 0 ? "✓" : "✗"} ${title} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
      resolve(code ?? 128);
    });
  });
}

async function check(title: string, argv: string[]): Promise<void> {
  const code = await run(title, argv);
  total[code === 0 ? "passed" : "failed"] += 1;
}

async function suite(name: string, select = ["--config", "test/vitest.config.ts", "--project", name]): Promise<void> {
  const report = join(scratch, `${name}.json`);
  const argv = ["vitest", "run", ...select];
  const code = await run(`${name} tests`, [...argv, "--reporter=default", "--reporter=json", `--outputFile=${report}`]);
  try {
    const counts = JSON.parse(readFileSync(report, "utf8")) as Counts;
    total.passed += counts.numPassedTests;
    total.skipped += counts.numPendingTests;
    // A file that could not even be loaded has no failed test of its own.
    total.failed += counts.numFailedTests || (code === 0 ? 0 : 1);
  } catch {
    total.failed += 1;
  }
}

const colors = process.stdout.isTTY ? "force" : "off";
await check("format and lint", ["biome", "ci", `--colors=${colors}`, "--error-on-warnings", "."]);
await check("types", ["tsc", "--noEmit"]);
for (const name of ["unit", "graph", "golden"]) await suite(name);
if (!quick) {
  await ensurePackages();
  await ensureToolchain({ kubernetes: true });
  await suite("simulation");
  await suite("node");
  await suite("e2e", ["--config", "test/e2e/vitest.config.ts"]);
  await suite("torture", ["--config", "test/torture/vitest.config.ts"]);
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
