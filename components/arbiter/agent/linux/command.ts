import { spawn } from "node:child_process";

export interface Outcome {
  /** Exit code 0. */
  ok: boolean;
  /** Null when it was ended, or could not be started. */
  code: number | null;
  stdout: string;
  /** What to tell a person: the program's own words, or why there are none. */
  why: string;
}

const OUTPUT_LIMIT = 64 * 1024;

/**
 * Runs a program without a shell. Never rejects, and never waits longer than the limit, not even for a program that a frozen
 * volume keeps from dying.
 */
export function command(argv: readonly [string, ...string[]], limitMs: number, input = ""): Promise<Outcome> {
  const [program, ...args] = argv;
  return new Promise((resolve) => {
    let stdout = "";
    let stderr = "";
    const child = spawn(program, args, { stdio: [input === "" ? "ignore" : "pipe", "pipe", "pipe"] });
    const finish = (code: number | null, why: string) => {
      clearTimeout(timer);
      resolve({ ok: code === 0, code, stdout, why });
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
      finish(null, `${argv.join(" ")} did not end within ${limitMs} ms`);
    }, limitMs);
    child.on("error", (error) => finish(null, `${program} could not be run: ${error.message}`));
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      stdout = (stdout + chunk).slice(-OUTPUT_LIMIT);
    });
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(-OUTPUT_LIMIT);
    });
    child.on("close", (code, signal) =>
      finish(
        code,
        code === 0 ? "" : `${argv.join(" ")}: ${stderr.trim() || stdout.trim() || signal || `exit ${code}`}`,
      ),
    );
    // A program that ends without reading its input is judged by its exit code.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
