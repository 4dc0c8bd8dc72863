import type { Machine } from "../apply/machine.ts";
import { loadedDrbd } from "../loaded-drbd.ts";
import type { Argv } from "../process.ts";
import { Failure } from "../verb.ts";
import { must, RESOURCE } from "./drbd.ts";
import type { VolumeOrder } from "./order.ts";

const OPTIONS = ["resync-rate", "c-min-rate"] as const;

/**
 * Puts the ordered resync rate in effect on an attached volume, during a resync as well; everything else in DRBD's file waits for
 * the next attach or connect. Names only the two rates and neither file nor state, so it can part, connect and promote nothing;
 * with the size of the activity log as it is, the kernel does not wait for I/O either, which may be frozen.
 * @returns whether it had to be changed
 * @throws Failure if DRBD does not show it afterwards
 */
export async function putResyncRate(machine: Machine, order: VolumeOrder): Promise<boolean> {
  const wanted = order.resyncKibibytesPerSecond;
  if (await isInEffect(machine, wanted)) return false;
  const options = OPTIONS.map((option) => `--${option}=${wanted}k`);
  // drbdadm's own disk-options of 8.4 hand nothing on.
  await must(machine, [...(await target(machine, order)), ...options], "the resync rate cannot be changed");
  machine.step();
  if (await isInEffect(machine, wanted)) return true;
  throw new Failure(
    `[datastore.drbd.resyncRate] DRBD was given ${wanted}k and shows another; compare \`drbdsetup show ${RESOURCE}\``,
  );
}

/** DRBD 8.4 keeps the rates with the disk, 9 with the sibling. */
async function target(machine: Machine, { minor, index }: VolumeOrder): Promise<Argv> {
  if ((await loadedDrbd(machine)).startsWith("8.")) return ["drbdsetup", "disk-options", `${minor}`];
  return ["drbdsetup", "peer-device-options", RESOURCE, `${1 - index}`, "0"];
}

async function isInEffect(machine: Machine, wanted: number): Promise<boolean> {
  const { stdout } = await must(machine, ["drbdsetup", "show", RESOURCE], "its options cannot be read");
  return OPTIONS.every((option) => new RegExp(`^\\s*${option}\\s+${wanted}k;`, "m").test(stdout));
}
