import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ourselves, removeDurably, writeDurably } from "../apply/durable.ts";
import { at, type Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import type { VolumeOrder } from "./order.ts";

/**
 * How far the creation got on this node. `claimed`: the disk was found blank, so what is on it from now on is Tandem's;
 * `paired`: both copies were seen new, at the same time; `ready`: it has its first contents, or its sibling has all of them; the
 * rest is the agent's.
 */
export type Step = "claimed" | "paired" | "ready";

/** Lies at {@link RECORD}; also what `tandem-drbd.service` looks for at boot. */
export interface VolumeRecord {
  readonly order: VolumeOrder;
  readonly step: Step;
}

export const RECORD = "/var/lib/tandem/volume.json";

/** While it is there, this node's etcd may start on an empty folder; see etcd-guard.sh. */
export const FOUNDING = "/var/lib/tandem/founding";

/** The same on a machine that replaces a lost one: its etcd joins a cluster that runs. */
export const JOINING = "/var/lib/tandem/joining";

export async function readRecord(machine: Machine): Promise<VolumeRecord | undefined> {
  let text: string;
  try {
    text = await readFile(at(machine, RECORD), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as VolumeRecord;
  } catch {
    throw new Failure(
      `${RECORD} is damaged, so it is not known what the volume's disk holds; restore it from the sibling's copy, or clear ` +
        "the disk and delete it",
    );
  }
}

export async function writeRecord(machine: Machine, record: VolumeRecord): Promise<void> {
  await writeNote(machine, RECORD, `${JSON.stringify(record)}\n`);
}

export async function writeNote(machine: Machine, path: string, content: string): Promise<void> {
  await mkdir(at(machine, dirname(path)), { recursive: true, mode: 0o700 });
  await writeDurably(at(machine, path), content, { mode: 0o600, ...ourselves });
  machine.step();
}

export async function forgetNote(machine: Machine, path: string): Promise<void> {
  await removeDurably(at(machine, path));
  machine.step();
}
