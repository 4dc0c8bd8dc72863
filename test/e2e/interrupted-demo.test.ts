import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cachePath } from "../lab/cache.ts";
import { isAlive, type ProcessId, processId } from "../lab/process.ts";
import { until } from "./until.ts";

const name = "interrupted";
const minute = 60_000;

test.each<[string, RegExp, NodeJS.Signals, string[]]>([
  ["while machines boot", /boot p1/, "SIGINT", []],
  ["while clients write", /its leader loses power \(1 of/, "SIGTERM", []],
  ["while `pulumi up` runs, on a lab that is to be kept", /… pulumi up: /, "SIGINT", ["--keep"]],
])(
  "the demo leaves nothing behind when it is interrupted %s",
  { timeout: 6 * minute },
  async (_when, moment, signal, options) => {
    const mounts = readFileSync("/proc/mounts", "utf8");
    const demo = spawn(process.execPath, [join(import.meta.dirname, "../lab/demo.ts"), "--name", name, ...options], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    demo.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const ended = once(demo, "exit");
    await until(`the demo to show ${moment}`, 5 * minute, () => {
      if (demo.exitCode !== null) throw new Error(`it has ended:\n${output}`);
      return moment.test(output) || undefined;
    });
    const started = processesOf(demo.pid as number);
    expect(started.length).toBeGreaterThan(3);

    demo.kill(signal);
    expect(await ended).toEqual([signal === "SIGINT" ? 130 : 143, null]);
    await until("the end of every process of the demo", 5000, () => !started.some(isAlive) || undefined);
    expect(existsSync(`/run/netns/tandem-${name}`)).toBe(false);
    expect(existsSync(`/run/tandem-lab/${name}.json`)).toBe(false);
    expect(readdirSync(cachePath("run", name)).filter((file) => /\.(cow|data)$/.test(file))).toEqual([]);
    expect(readFileSync("/proc/mounts", "utf8")).toBe(mounts);
  },
);

/** Its descendants, and whatever else is on the lab's network: guests are nobody's children when the lab is to be kept. */
function processesOf(demo: number): ProcessId[] {
  const network = `/run/netns/tandem-${name}`;
  const inode = existsSync(network) ? `net:[${statSync(network).ino}]` : undefined;
  const found = new Set([demo]);
  const all = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const pid of all) {
      try {
        const [, parent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
        if (found.has(Number(parent)) || readlinkSync(`/proc/${pid}/ns/net`) === inode) found.add(Number(pid));
      } catch {
        // It ended meanwhile.
      }
    }
  }
  return [...found].flatMap((pid) => processId(pid) ?? []);
}
