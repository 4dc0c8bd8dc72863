import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { atExit } from "./cleanup.ts";

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Text for standard input; without it the input is empty. */
  input?: string;
  /** Default 60 s. The command is killed then, and the call throws. */
  timeoutMs?: number;
  /** Default true: a code other than 0 throws. */
  check?: boolean;
  /** Called with every chunk of either output as it comes. */
  onOutput?: (text: string) => void;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** A command that could not start, ended with a code other than 0, or ran out of time. */
export class CommandError extends Error {
  readonly problem: string;
  readonly result: RunResult;

  constructor(what: string, problem: string, result: RunResult) {
    const output = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-15).join("\n");
    super(`${what} ${problem}${output && `:\n${output}`}`);
    this.problem = problem;
    this.result = result;
  }

  /** The same error with another name for what was run. */
  about(what: string): CommandError {
    return new CommandError(what, this.problem, this.result);
  }
}

export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv as [string, ...string[]];
  // A group of its own, so that its end takes its children along: compilers of a build, for one.
  const spawnOptions: SpawnOptions = { stdio: ["pipe", "pipe", "pipe"], detached: true };
  if (options.env) spawnOptions.env = options.env;
  if (options.cwd) spawnOptions.cwd = options.cwd;
  const child = spawn(program, args, spawnOptions);
  const forget = atExit(() => killGroup(child));
  return collect(child, argv.join(" "), options).finally(forget);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

/** Gathers the output of a started process until it ends. `what` names it in errors. */
function collect(child: ChildProcess, what: string, options: RunOptions): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const result: RunResult = { stdout: "", stderr: "", code: -1 };
    const timer = setTimeout(() => {
      killGroup(child);
      // Another process may hold the other ends, an ssh that shares its connection for one: "close" may be far off.
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(new CommandError(what, `did not end within ${timeoutMs} ms`, result));
    }, timeoutMs);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      result.stdout += text;
      options.onOutput?.(text);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      result.stderr += text;
      options.onOutput?.(text);
    });
    // A program that ends without reading its input closes the pipe: its exit code says enough.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new CommandError(what, `did not start (${error.message})`, result));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      result.code = code ?? 128;
      if (options.check !== false && code !== 0)
        reject(new CommandError(what, signal ? `was ended by ${signal}` : `ended with code ${code}`, result));
      else resolve(result);
    });
  });
}

/** A process by number and start time (clock ticks since boot), which together are never used twice. */
export interface ProcessId {
  pid: number;
  startTicks: string;
}

/** The process with this number, or undefined if it is gone or only waits to be reaped. */
export function processId(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, startTicks: fields[19] as string };
  } catch {
    return undefined;
  }
}

export function isAlive(id: ProcessId): boolean {
  return processId(id.pid)?.startTicks === id.startTicks;
}
