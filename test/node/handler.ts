import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { type Sandbox, scripts } from "./sandbox.ts";

/** A fence-peer handler as DRBD starts it: with nothing on its standard input and output, and the kernel's environment. */
export class Handler {
  readonly process: ChildProcess;
  /** Null after a signal. */
  readonly code: Promise<number | null>;
  #ended = false;

  constructor(sandbox: Sandbox) {
    const kernel = { HOME: "/", TERM: "linux" };
    const closed = ["-c", 'exec "$0" <&- >&- 2>&-', join(scripts, "fence-peer.sh")];
    // A process group of its own, for the end of the test.
    this.process = spawn("/bin/bash", closed, { env: { ...kernel, ...sandbox.env }, stdio: "ignore", detached: true });
    this.code = new Promise((resolve) =>
      this.process.once("exit", (code) => {
        this.#ended = true;
        resolve(code);
      }),
    );
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the handler and what it has started. */
  end(): void {
    try {
      process.kill(-(this.process.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended, and all of its children.
    }
  }
}

/** The same for every item, so many at a time. */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  each: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const run = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await each(item);
  };
  await Promise.all(Array.from({ length: most }, run));
}
