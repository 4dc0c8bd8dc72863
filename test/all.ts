import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
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
/** What failed, a paragraph each: told once more at the end, where it is looked for. */
const failures: string[] = [];

/** What is read of vitest's JSON report. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/** The failed tests of a report, and the files that could not be loaded and so have no test that failed. */
function failuresOf({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && failed.length === 0) return [`${file}\n${message}`];
    return failed.map(({ fullName, failureMessages }) => `${file} > ${fullName}\n${failureMessages.join("\n")}`);
  });
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
  if (code === 0) total.passed += 1;
  else fail(title);
}

async function suite(name: string, select = ["--config", "test/vitest.config.ts", "--project", name]): Promise<void> {
  const report = join(scratch, `${name}.json`);
  const argv = ["vitest", "run", ...select];
  const code = await run(`${name} tests`, [...argv, "--reporter=default", "--reporter=json", `--outputFile=${report}`]);
  let failed: string[] = [];
  try {
    const result = JSON.parse(readFileSync(report, "utf8")) as Report;
    total.passed += result.numPassedTests;
    total.skipped += result.numPendingTests;
    failed = failuresOf(result);
  } catch {
    // A run that ended before its report: its exit code says so.
  }
  if (failed.length === 0 && code !== 0) failed = [`${name} tests ended with code ${code} and without a failed test`];
  fail(...failed);
}

function fail(...what: string[]): void {
  failures.push(...what);
  total.failed += what.length;
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
for (const failure of failures) console.log(`\n✗ ${failure}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
