import type { Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import { requireBlank } from "./blank.ts";
import {
  attach,
  connect,
  createMetadata,
  disconnect,
  hasMetadata,
  must,
  type Reading,
  readVolume,
  select,
  waitForVolume,
} from "./drbd.ts";
import { isReplacement, join, type MembersAt } from "./join.ts";
import type { VolumeOrder } from "./order.ts";
import { readRecord, type VolumeRecord, writeRecord } from "./record.ts";
import { putResyncRate } from "./resync-rate.ts";

export const MOUNTPOINT = "/var/lib/etcd-transient";
/** The sibling's own preparations, a download of packages among them. */
const SIBLING_SECONDS = 600;

/**
 * Makes this node's copy, on a disk that holds nothing, and meets the sibling's, which must be new as well, or joins a site that
 * expects a machine in the place of a lost one. Safe to run again after any interruption.
 */
export async function create(
  machine: Machine,
  order: VolumeOrder,
  withinSeconds = SIBLING_SECONDS,
  membersAt?: MembersAt,
): Promise<string> {
  await select(machine);
  const record = (await knownRecord(machine, order)) ?? (await claim(machine, order));
  if (record.step === "ready") {
    await attach(machine);
    // What is run here by hand, without an order, goes by the record.
    const { resyncKibibytesPerSecond } = order;
    if (record.order.resyncKibibytesPerSecond !== resyncKibibytesPerSecond)
      await writeRecord(machine, { ...record, order: { ...record.order, resyncKibibytesPerSecond } });
    const changed = await putResyncRate(machine, order);
    return changed
      ? `the volume is there, and resyncs at ${resyncKibibytesPerSecond} KiB/s from now on`
      : "the volume is there";
  }
  if (record.step === "claimed" && (await isReplacement(order, membersAt))) return join(machine, order);
  await ensureMetadata(machine, record);
  await attach(machine);
  await connect(machine);
  await meet(machine, order, withinSeconds);
  if (record.step === "claimed") await writeRecord(machine, { order, step: "paired" });
  return `connected with ${order.sibling}, both copies new`;
}

async function knownRecord(machine: Machine, order: VolumeOrder): Promise<VolumeRecord | undefined> {
  const record = await readRecord(machine);
  if (record === undefined) return undefined;
  const { site, disk } = record.order;
  if (site === order.site && disk === order.disk) return record;
  throw new Failure(
    `this node has the volume of the site ${site} on ${disk}, and is asked for one of ${order.site} on ${order.disk}; ` +
      "a volume is not moved: destroy that site first, or give the old values",
  );
}

async function claim(machine: Machine, order: VolumeOrder): Promise<VolumeRecord> {
  await requireBlank(machine, order);
  await must(machine, ["mkdir", "-p", MOUNTPOINT], "the mount point cannot be made");
  // Whatever is started without the mount must find no place to write to.
  await must(machine, ["chattr", "+i", MOUNTPOINT], `${MOUNTPOINT} cannot be made immutable`);
  const record: VolumeRecord = { order, step: "claimed" };
  await writeRecord(machine, record);
  return record;
}

async function ensureMetadata(machine: Machine, { step, order }: VolumeRecord): Promise<void> {
  const { disk } = await readVolume(machine);
  const isAttached = disk !== "" && disk !== "Diskless";
  if (isAttached || (await hasMetadata(machine))) return;
  if (step === "claimed") return createMetadata(machine);
  throw new Failure(
    `DRBD's metadata is gone from ${order.disk}, which held this node's copy; see "A node's disk is gone" in ` +
      "docs/runbook.md",
  );
}

/** Both new, or declared equal in the meantime. */
async function meet(machine: Machine, order: VolumeOrder, withinSeconds: number): Promise<void> {
  const met = await waitForVolume(
    machine,
    ({ connection }) => connection === "Connected" || connection === "StandAlone",
    withinSeconds,
    ({ connection }) =>
      `${order.sibling} did not appear within ${withinSeconds} s (DRBD here is ${connection}); both nodes create the ` +
      `volume at the same time: see why \`tandem volume create\` failed or did not run on ${order.sibling}, and whether the ` +
      "backend link works",
  );
  if (met.connection === "Connected" && (bothNew(met) || bothEqual(met))) return;
  await disconnect(machine);
  throw new Failure(
    met.connection === "StandAlone"
      ? `DRBD of ${order.sibling} refused the connection; see \`journalctl -k\` on both nodes`
      : `the copy of ${order.sibling} is not new (${met.peerDisk}, and here ${met.disk}), so this is no creation; see "A node's ` +
          'disk is gone" in docs/runbook.md',
  );
}

export function bothNew({ disk, peerDisk }: Reading): boolean {
  return disk === "Inconsistent" && peerDisk === "Inconsistent";
}

export function bothEqual({ disk, peerDisk, replication }: Reading): boolean {
  return disk === "UpToDate" && peerDisk === "UpToDate" && replication === "Established";
}
