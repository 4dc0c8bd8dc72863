import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive, type ProcessId, processId } from "../lab/process.ts";

const lab = join(import.meta.dirname, "../lab");
const namespace = `exit-test-${process.pid}`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-exit-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a program of the lab's own modules until it prints a line, then sends the signal to it alone. @returns its exit code */
async function interrupted(program: string, signal: NodeJS.Signals): Promise<number | null> {
  const file = join(folder, "program.ts");
  writeFileSync(file, program);
  const child: ChildProcess = spawn(process.execPath, [file], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TANDEM_CACHE: folder },
  });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  child.kill(signal);
  const [code] = await once(child, "exit");
  return code;
}

/** The process whose number a script has written; undefined when it has ended already. */
function noted(name: string): ProcessId | undefined {
  return processId(Number(readFileSync(join(folder, name), "utf8")));
}

const waitFor = (file: string) => `
  import { existsSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  while (!existsSync("${file}")) await sleep(10);
  console.log("now");
  await sleep(60_000);`;

describe("a lab's process that is interrupted", () => {
  it.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])("by %s ends what it runs, with all that this has started", async (signal, code) => {
    const script = `sleep 600 & echo $! >${folder}/grandchild.new; mv ${folder}/grandchild.new ${folder}/grandchild; wait`;
    const program = `
      import { run } from "${lab}/process.ts";
      void run(["sh", "-c", ${JSON.stringify(script)}], { timeoutMs: 600_000 }).catch(() => {});
      ${waitFor(`${folder}/grandchild`)}`;
    const ended = interrupted(program, signal);
    while (!existsSync(join(folder, "grandchild"))) await sleep(10);
    const grandchild = noted("grandchild");
    expect(await ended).toBe(code);
    expect(grandchild !== undefined && isAlive(grandchild)).toBe(false);
  });

  it("does so in a test runner, too, which keeps it from exiting", async () => {
    const program = `
      import { writeFileSync } from "node:fs";
      import { atExit } from "${lab}/cleanup.ts";
      const exit = process.exit;
      process.exit = () => { setTimeout(() => exit(3), 50); };
      atExit(() => writeFileSync("${folder}/cleaned", "", { flag: "wx" }));
      writeFileSync("${folder}/ready", "");
      ${waitFor(`${folder}/ready`)}`;
    expect(await interrupted(program, "SIGTERM")).toBe(3);
    expect(existsSync(join(folder, "cleaned"))).toBe(true);
  });

  it("gives its locks back", async () => {
    const program = `
      import { withLock } from "${lab}/cache.ts";
      void withLock("build", () => new Promise(() => {}));
      ${waitFor(`${folder}/build.lock`)}`;
    expect(await interrupted(program, "SIGINT")).toBe(130);
    expect(existsSync(join(folder, "build.lock"))).toBe(false);
  });

  it("removes its network with every process in it, also one that forks all the time", async () => {
    // A chain: each link starts the next one, in a session of its own, and ends.
    const link = join(folder, "link.sh");
    writeFileSync(link, `#!/bin/sh\necho $$ >${folder}/link\nsleep 0.01\nexec setsid --fork sh ${link}\n`);
    const program = `
      import { atExit } from "${lab}/cleanup.ts";
      import { destroyNamespaceNow } from "${lab}/network.ts";
      import { run } from "${lab}/process.ts";
      await run(["ip", "netns", "add", "${namespace}"]);
      atExit(() => destroyNamespaceNow("${namespace}"));
      void run(["ip", "netns", "exec", "${namespace}", "sh", "${link}"]).catch(() => {});
      ${waitFor(`${folder}/link`)}`;
    expect(await interrupted(program, "SIGINT")).toBe(130);
    expect(existsSync(`/run/netns/${namespace}`)).toBe(false);
    const last = readFileSync(join(folder, "link"), "utf8");
    await sleep(100);
    expect(readFileSync(join(folder, "link"), "utf8")).toBe(last);
  });
});
