import { readdirSync } from "node:fs";
import { DISARMED } from "../paths.ts";
import type { Local } from "../world.ts";
import type { DoorWatch } from "./door.ts";
import { glance, readVolume } from "./drbd.ts";
import { isMounted } from "./mounts.ts";
import { areOutdated } from "./t-settings.ts";
import { readT } from "./units.ts";

export async function readLocal(minor: number, doors: DoorWatch): Promise<Local> {
  const [volume, door] = await Promise.all([readVolume(minor), doors.read()]);
  const t = readT();
  return {
    volume,
    door,
    mounted: isMounted(),
    t,
    tOutdated: t === "running" && areOutdated(),
    disarmed: disarmed(),
  };
}

/** Only whole notes: the handler writes aside, under a name that begins with a dot, and renames. */
function disarmed(): string[] {
  return readdirSync(DISARMED)
    .filter((name) => !name.startsWith("."))
    .sort();
}

/** What a full reading costs programs for, cheaply: it differs whenever a reading would be worth its price. */
export function cheapLook(minor: number): string {
  return [glance(minor), isMounted(), readT(), ...disarmed()].join(" ");
}

/**
 * Reads one after the other, so that readings arrive in the order in which they were made. Everyone who asks while one is
 * being made waits for the next: a reading handed out was begun after it was asked for.
 */
export class LocalReader {
  #running: Promise<Local> | null = null;
  #next: Promise<Local> | null = null;
  readonly #read: () => Promise<Local>;

  constructor(read: () => Promise<Local>) {
    this.#read = read;
  }

  fresh(): Promise<Local> {
    if (this.#running === null && this.#next === null) return this.#begin();
    this.#next ??= (this.#running as Promise<Local>).then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<Local> {
    this.#next = null;
    const running = this.#read().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
