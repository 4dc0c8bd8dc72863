import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

export interface Outcome {
  /** Exit code 0. */
  ok: boolean;
  /** Null when it was ended, or could not be started. */
  code: number | null;
  stdout: string;
  /** What to tell a person: the program's own words, or why there are none. */
  why: string;
}

/** What is so already, or was done without a program. */
export const succeeded: Outcome = { ok: true, code: 0, stdout: "", why: "" };
export const failed = (why: string): Outcome => ({ ok: false, code: null, stdout: "", why });

/**
 * Forking Node costs several times what the tools themselves do, and stops its loop meanwhile. So a small shell starts
 * them: it reads one command a line, its words separated by tabs, runs it, and ends its output on either stream with a
 * line of its own.
 */
const LAUNCHER = `set -f
IFS='\t'
while read -r words; do
    $words </dev/null
    printf '\\n== output ends, exit code %s\\n' "$?"
    printf '\\n== output ends, exit code \\n' >&2
done`;
const END = /\n== output ends, exit code (\d*)\n$/;
const OUTPUT_LIMIT = 256 * 1024;
/** More may run at a time; this many wait for the next command. */
const IDLE_LIMIT = 3;

type Shell = ChildProcessByStdio<Writable, Readable, Readable>;
const idle: Shell[] = [];

/** Drbdadm prints the whole command of a child that failed. */
export function withoutSecrets(said: string): string {
  return said.replaceAll(/--shared-secret=\S+/g, "--shared-secret=[secret]");
}

/** One that is still alive: a shell that was killed while it waited would let the next command wait for its whole limit. */
function takeIdle(): Shell | undefined {
  let shell = idle.pop();
  while (shell !== undefined && (shell.exitCode !== null || shell.signalCode !== null)) shell = idle.pop();
  return shell;
}

/**
 * Runs a program. Never rejects, and never waits longer than the limit, not even for a program that a frozen volume keeps
 * from dying.
 * @param argv words without tabs and line ends, none of them empty
 */
export function command(argv: readonly [string, ...string[]], limitMs: number): Promise<Outcome> {
  const words = argv.join("\t");
  if (/[\n]/.test(words) || words.split("\t").length !== argv.length || argv.includes("")) {
    throw new Error(`a word of ${JSON.stringify(argv)} is empty, or holds a tab or a line end`);
  }
  const shell = takeIdle() ?? launch();
  return new Promise((resolve) => {
    let stdout = "";
    let stderr = "";
    const finish = (code: number | null, why: string) => {
      clearTimeout(timer);
      shell.removeAllListeners();
      shell.stdout.removeAllListeners("data");
      shell.stderr.removeAllListeners("data");
      resolve({ ok: code === 0, code, stdout, why: withoutSecrets(why) });
    };
    const dismiss = (why: string) => {
      finish(null, why);
      shell.on("error", () => {});
      end(shell);
    };
    const timer = setTimeout(() => dismiss(`${argv.join(" ")} did not end within ${limitMs} ms`), limitMs);
    const take = () => {
      const ended = END.exec(stdout);
      if (ended === null || !END.test(stderr)) {
        if (stdout.length + stderr.length > OUTPUT_LIMIT) dismiss(`${argv.join(" ")} says too much`);
        return;
      }
      stdout = stdout.slice(0, ended.index);
      stderr = stderr.replace(END, "");
      const code = Number(ended[1]);
      finish(code, code === 0 ? "" : `${argv.join(" ")}: ${stderr.trim() || stdout.trim() || `exit ${code}`}`);
      if (idle.length < IDLE_LIMIT) idle.push(shell);
      else end(shell);
    };
    shell.on("error", (error) => finish(null, `${argv.join(" ")} could not be run: ${error.message}`));
    shell.on("exit", () => finish(null, `${argv.join(" ")} was ended from outside`));
    shell.stdout.on("data", (chunk: string) => {
      stdout += chunk;
      take();
    });
    shell.stderr.on("data", (chunk: string) => {
      stderr += chunk;
      take();
    });
    shell.stdin.write(`${words}\n`);
  });
}

function launch(): Shell {
  // A process group of its own, so that a time limit ends what it runs as well.
  const shell = spawn("/bin/sh", ["-c", LAUNCHER], { stdio: "pipe", detached: true });
  shell.stdout.setEncoding("utf8");
  shell.stderr.setEncoding("utf8");
  shell.stdin.on("error", () => {});
  return shell;
}

function end(shell: Shell): void {
  shell.stdout.destroy();
  shell.stderr.destroy();
  shell.stdin.destroy();
  try {
    if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
