import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Lab } from "../lab/lab.ts";
import type { Power } from "./faults/power.ts";
import type { Machine } from "./schedule.ts";

const againMs = 500;

/** The lines of a command that runs for ever on a machine, begun again whenever the machine is back. */
export class Follower {
  private child: ChildProcess | undefined;
  private ended = false;
  private readonly start: () => void;

  constructor(
    lab: Lab,
    power: Power,
    where: Machine,
    command: string,
    told: { line(text: string): void; lost(): void },
  ) {
    // A connection of its own: a shared one would end with whatever else uses it.
    const ssh = ["ssh", "-F", lab.sshConfig, "-o", "ControlPath=none", where, command];
    this.start = () => {
      if (this.ended) return;
      if (power.whyDeaf(where)) {
        setTimeout(this.start, againMs);
        return;
      }
      const child = lab.spawn(ssh, { stdio: ["ignore", "pipe", "ignore"] });
      this.child = child;
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (text) => told.line(text));
      child.on("close", () => {
        told.lost();
        setTimeout(this.start, againMs);
      });
    };
    this.start();
  }

  end(): void {
    this.ended = true;
    this.child?.kill("SIGKILL");
  }
}
