import { existsSync, readFileSync, unlinkSync } from "node:fs";

/** Names the file that holds a {@link Trap}; set by tests alone, in a drop-in of the unit. */
const file = process.env.TANDEM_RACE;

/** Where this process is to end or to stand still once, for tests of what an interruption leaves behind. */
interface Trap {
  /** `before startT` for instance: a job's name, the verb of a request to the witness, or the kind of an action. */
  point: string;
  signal: "SIGKILL" | "SIGSTOP";
}

/** Nothing, unless a trap is set for this very point. */
export function race(point: string): void {
  if (file === undefined || !existsSync(file)) return;
  const trap = JSON.parse(readFileSync(file, "utf8")) as Trap;
  if (trap.point !== point) return;
  unlinkSync(file);
  process.kill(process.pid, trap.signal);
}
