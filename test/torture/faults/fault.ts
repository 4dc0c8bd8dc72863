import type { Site } from "../../e2e/site.ts";
import type { Guest } from "../../lab/guest.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Machine } from "../schedule.ts";
import type { Impairments } from "./impairments.ts";
import type { Power } from "./power.ts";

/** What faults are made with. */
export interface Bench {
  lab: Lab;
  site: Site;
  power: Power;
  impairments: Impairments;
  /** How many faults cut each way. */
  cuts: Map<string, number>;
  /** Told to whoever reads the results: what happened that the schedule does not say. */
  note(text: string): void;
  /** A fault that could not be made, or a trap that nothing walked into: the schedule has tried less than it says. */
  notTried(why: string): void;
}

/**
 * Takes a fault back. The machine may have been off, on and off again meanwhile. `done` settles when the fault is over by
 * itself, maybe before its time.
 */
export type Heal = (() => Promise<void>) & { done?: Promise<unknown> };

/** A fault that cannot be made now, because another one is in its way. */
export class Skipped extends Error {}

/** A machine that answers. @throws Skipped */
export function answering({ lab, power }: Bench, name: Machine): Guest {
  const why = power.whyDeaf(name);
  if (why) throw new Skipped(`${name} ${why}`);
  return lab.guest(name);
}

/** Runs a command on a machine, if it is able to. */
export async function ifAnswering(bench: Bench, name: Machine, command: string): Promise<void> {
  if (bench.power.whyDeaf(name)) return;
  await bench.lab.guest(name).run(command, { check: false, timeoutMs: 20_000 });
}
