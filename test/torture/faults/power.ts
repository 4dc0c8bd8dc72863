import { setTimeout as sleep } from "node:timers/promises";
import type { Guest } from "../../lab/guest.ts";
import type { Lab } from "../../lab/lab.ts";
import { type Machine, machines } from "../schedule.ts";
import { type Bench, type Heal, Skipped } from "./fault.ts";

const lookMs = 200;
/** A machine that resets itself, as an agent that lost may ask it to, is back in the hands of its firmware for a while. */
const firmwareMs = 1000;
const sshLimitMs = 60_000;

interface Supply {
  /** How many faults keep it off. */
  cuts: number;
  paused: boolean;
  /** Its kernel runs, and nothing can be asked of it yet. */
  booting: boolean;
  /** One change after the other. */
  last: Promise<void>;
}

/** The machines' power: off while a fault keeps it off, and on again by itself after a reset or a panic. */
export class Power {
  private readonly supplies = new Map<Machine, Supply>();
  private readonly lab: Lab;
  private readonly note: (text: string) => void;
  private ended = false;

  constructor(lab: Lab, note: (text: string) => void) {
    this.lab = lab;
    this.note = note;
    for (const name of machines)
      this.supplies.set(name, { cuts: 0, paused: false, booting: false, last: Promise.resolve() });
    void this.watch();
  }

  /** Why nothing can be asked of a machine now; empty if it can. */
  whyDeaf(name: Machine): string {
    const { cuts, paused, booting } = this.of(name);
    if (cuts > 0) return "is off";
    if (paused) return "stands still";
    if (booting) return "boots";
    return this.lab.guest(name).running ? "" : "is down";
  }

  async cut(name: Machine): Promise<void> {
    const supply = this.of(name);
    supply.cuts += 1;
    await this.change(name, async (guest) => {
      if (!guest.running) return;
      await guest.powerCut();
    });
  }

  /** Takes back one cut; on after the last. Resolves when the machine answers. */
  async on(name: Machine): Promise<void> {
    const supply = this.of(name);
    supply.cuts -= 1;
    await this.change(name, async (guest) => {
      if (supply.cuts === 0 && !guest.running) await this.boot(name, guest);
    });
  }

  /** @throws Skipped if it does not run, or stands still already */
  pause(name: Machine): Promise<void> {
    return this.change(name, async (guest) => {
      if (!guest.running || this.of(name).paused) throw new Skipped(`${name} ${this.whyDeaf(name)}`);
      guest.pause();
      this.of(name).paused = true;
    });
  }

  /** @returns whether it stood still until now */
  async resume(name: Machine): Promise<boolean> {
    let stood = false;
    await this.change(name, async (guest) => {
      stood = this.of(name).paused && guest.standsStill;
      if (stood) guest.resume();
      this.of(name).paused = false;
    });
    return stood;
  }

  /** An orderly restart, back when it answers. */
  async restart(name: Machine): Promise<void> {
    const supply = this.of(name);
    supply.cuts += 1;
    await this.change(name, async (guest) => {
      if (!guest.running) return;
      await guest.run("systemctl poweroff", { check: false, timeoutMs: 20_000 }).catch(() => {});
      const deadline = performance.now() + 60_000;
      while (guest.running && performance.now() < deadline) await sleep(lookMs);
      if (guest.running) throw new Error(`${name} did not shut down in an orderly way within 60 s`);
    });
    await this.on(name);
  }

  end(): void {
    this.ended = true;
  }

  private of(name: Machine): Supply {
    return this.supplies.get(name) as Supply;
  }

  private change(name: Machine, work: (guest: Guest) => Promise<void>): Promise<void> {
    const supply = this.of(name);
    const next = supply.last.then(() => work(this.lab.guest(name)));
    supply.last = next.catch(() => {});
    return next;
  }

  private async watch(): Promise<void> {
    const reviving = new Set<Machine>();
    for (; !this.ended; await sleep(lookMs))
      for (const name of machines) {
        if (this.of(name).cuts > 0 || this.lab.guest(name).running || reviving.has(name)) continue;
        reviving.add(name);
        void this.change(name, (guest) => this.revive(name, guest))
          .catch((error) => this.note(`${name} does not start: ${error.message}`))
          .finally(() => reviving.delete(name));
      }
  }

  private async revive(name: Machine, guest: Guest): Promise<void> {
    if (this.of(name).cuts > 0 || guest.running || this.ended) return;
    const panic = guest.console(60).match(/.*panic.*/i)?.[0] ?? "";
    this.note(`${name} went down by itself and is started again${panic && `: ${panic.trim()}`}`);
    await sleep(firmwareMs);
    await this.boot(name, guest);
  }

  private async boot(name: Machine, guest: Guest): Promise<void> {
    const supply = this.of(name);
    supply.paused = false;
    supply.booting = true;
    try {
      await guest.boot();
      await guest.waitSsh(sshLimitMs);
    } finally {
      supply.booting = false;
    }
  }
}

export async function cutPower({ power }: Bench, { where }: { where: Machine }): Promise<Heal> {
  await power.cut(where);
  return () => power.on(where);
}

export async function pauseMachine(bench: Bench, { where }: { where: Machine }): Promise<Heal> {
  await bench.power.pause(where);
  return async () => {
    if (!(await bench.power.resume(where))) bench.notTried(`${where} did not stand still to the end`);
  };
}

export async function rollingRestart({ power }: Bench, { times }: { times: number }): Promise<Heal> {
  for (let i = 0; i < times; i++) await power.restart(i % 2 === 0 ? "n1" : "n2");
  return async () => {};
}
