import { spawn } from "node:child_process";
import { Failure } from "./verb.ts";

export interface Finished {
  /** Exit code; null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Limits {
  /** After which the program and its children are killed. */
  readonly timeoutMs: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export type Argv = readonly [string, ...string[]];

/** Enough of what a program said for a message, without flooding it. */
const OUTPUT_LIMIT = 64 * 1024;

/**
 * Runs a program without a shell.
 * @throws Failure if it cannot be started or outlives its time limit; any exit code is the caller's to judge
 */
export function run(argv: Argv, limits: Limits): Promise<Finished> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // A process group of its own, so that the time limit ends the children as well.
      detached: true,
      stdio: "pipe",
      env: { ...process.env, LC_ALL: "C.UTF-8", ...limits.env },
    });
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, limits.timeoutMs);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.on("error", (error) => {
      clearTimeout(timer);
      const why = "code" in error && error.code === "ENOENT" ? "it is not installed" : error.message;
      reject(new Failure(`cannot run ${program}: ${why}`));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (expired) {
        const said = lastLines(`${stdout()}${stderr()}`);
        reject(new Failure(`${argv.join(" ")} did not end within ${limits.timeoutMs / 1000} s and was killed${said}`));
      } else resolve({ code, stdout: stdout(), stderr: stderr() });
    });
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(limits.input ?? "");
  });
}

/** The last lines of a program's output as a suffix of a message; empty if it said nothing. */
export function lastLines(output: string, count = 15): string {
  const lines = output.trimEnd().split("\n").slice(-count);
  return lines.join("") === "" ? "" : `:\n${lines.map((line) => `    ${line}`).join("\n")}`;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text = (text + chunk).slice(-OUTPUT_LIMIT);
  });
  return () => text;
}
