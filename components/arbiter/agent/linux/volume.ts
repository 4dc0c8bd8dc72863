import { say } from "../journal.ts";
import { MOUNT_UNIT, MOUNTPOINT } from "../paths.ts";
import type { Local } from "../world.ts";
import { command, failed, type Outcome, succeeded } from "./command.ts";
import { demote, promote } from "./drbd.ts";
import { isMounted } from "./mounts.ts";
import { dismissT, prepareT } from "./transient.ts";
import { adoptVolume, stopUnit, stopVolume } from "./units.ts";

const MOUNT_MS = 15_000;

/**
 * Promotes and mounts. Not by the units, each of which costs a takeover two programs more; they are told afterwards. T's
 * program is loaded meanwhile.
 */
export async function takeVolume(minor: number, fresh: () => Promise<Local>): Promise<Outcome> {
  const prepared = prepareT();
  const taken = await promoteAndMount(minor, fresh);
  if (taken.ok) adopt();
  else void prepared.then(dismissT);
  return taken;
}

async function promoteAndMount(minor: number, fresh: () => Promise<Local>): Promise<Outcome> {
  if (isMounted()) {
    if ((await fresh()).volume.role === "Primary") return succeeded;
    // DRBD 9 took the volume from under this mount, and promotes nothing that is still open.
    const unmounted = await stopUnit(MOUNT_UNIT);
    if (!unmounted.ok) return unmounted;
  }
  const [promoted, goesDown] = await Promise.all([promote(minor), machineGoesDown()]);
  if (!promoted.ok) return promoted;
  if (!goesDown) return mount(minor);
  // systemd has unmounted and demoted in order, and nobody would do it again.
  await demote(minor);
  return failed("this machine is shutting down");
}

async function machineGoesDown(): Promise<boolean> {
  const { stdout } = await command(["systemctl", "is-system-running"], MOUNT_MS);
  return stdout.trim() === "stopping";
}

/** An agent that was ended between its mount and its word to the units leaves this to the next. */
export function adopt(): void {
  void adoptVolume().then(({ ok, why }) => {
    if (!ok) say("warning", `an orderly shutdown would not release the volume: ${why}`);
  });
}

/** Unmounts and demotes; T is dead. */
export async function releaseVolume(minor: number): Promise<Outcome> {
  const stopped = await stopVolume();
  // The unit demotes only what it knows to be Primary.
  return stopped.ok ? demote(minor) : stopped;
}

function mount(minor: number): Promise<Outcome> {
  // The words of the mount unit, which takes this mount for its own.
  const what = `/proc/self/root/dev/drbd${minor}`;
  return command(["mount", "-t", "ext4", "-o", "noatime,errors=remount-ro", what, MOUNTPOINT], MOUNT_MS);
}
