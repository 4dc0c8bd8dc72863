import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../lab/lab.ts";
import type { Power } from "./faults/power.ts";
import { Follower } from "./follower.ts";
import { type Machine, machines } from "./schedule.ts";

/** From the boot on: what was written before the connection stood is part of the story. */
const follow = "journalctl -f -b -n 3000 -o short-precise --no-pager";

/** The machines' journals as they are written: a power cut takes what a machine has not yet synced. */
export class Journals {
  private readonly lines = new Map<Machine, string[]>();
  private readonly followers: Follower[];

  constructor(lab: Lab, power: Power) {
    this.followers = machines.map((name) => {
      const told = (text: string) => void this.lines.get(name)?.push(text);
      return new Follower(lab, power, name, follow, { line: told, lost: () => told("--- the connection is lost ---") });
    });
    this.clear();
  }

  clear(): void {
    for (const name of machines) this.lines.set(name, []);
  }

  async keep(folder: string): Promise<void> {
    for (const [name, lines] of this.lines)
      await writeFile(join(folder, `${name}.journal`), lines.map((line) => `${line}\n`).join(""));
  }

  end(): void {
    for (const follower of this.followers) follower.end();
  }
}
