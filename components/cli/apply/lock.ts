import { spawn } from "node:child_process";
import { Failure } from "../verb.ts";

/**
 * Runs `work` while no other `tandem apply` or `remove` runs on this machine.
 *
 * The lock is held by a flock(1) that copies our pipe: when this process ends, in whatever way, the pipe closes, flock ends and
 * the kernel frees the lock. So no stale lock can remain.
 */
export async function withLock<T>(path: string, waitSeconds: number, work: () => Promise<T>): Promise<T> {
  const holder = spawn("flock", ["--exclusive", "--timeout", String(waitSeconds), path, "cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  holder.stdin.on("error", () => {});
  const held = await new Promise<boolean>((resolve, reject) => {
    holder.once("error", (error) => reject(new Failure(`cannot run flock (package util-linux): ${error.message}`)));
    holder.once("close", () => resolve(false));
    holder.stdout.once("data", () => resolve(true));
    holder.stdin.write("held\n");
  });
  if (!held) {
    throw new Failure(
      `another \`tandem apply\` or \`tandem remove\` has been running on this machine for ${waitSeconds} s (lock ${path}); ` +
        "wait for it, or see what it does with `ps -ef | grep tandem`, and run this again",
    );
  }
  try {
    return await work();
  } finally {
    const ended = new Promise((resolve) => holder.once("close", resolve));
    holder.stdin.end();
    await ended;
  }
}
