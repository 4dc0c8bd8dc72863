import { at, type Machine } from "../apply/machine.ts";
import { diskBytes } from "./blank.ts";
import { MOUNTPOINT } from "./create.ts";
import { changeRole, disconnect, down, must, RESOURCE, readVolume, waitForVolume } from "./drbd.ts";
import { FOUNDING, forgetNote, RECORD, readRecord } from "./record.ts";

const MEBIBYTE = 2 ** 20;
/** T's own stop, with the slowest of programs. */
const SIBLING_SECONDS = 90;

/** Takes the volume out of service. Its data stay, and a later `create` finds them, unless they are to be purged. */
export async function destroy(machine: Machine, purge: boolean): Promise<string> {
  const record = await readRecord(machine);
  if (record === undefined) return "there is no volume on this node";
  // Their files may be gone already; whether they are stopped shows below.
  for (const unit of ["etcd-transient.service", "var-lib-etcd\\x2dtransient.mount", "etcd-transient-volume.service"])
    await machine.run(["systemctl", "stop", unit], { timeoutMs: 60_000 });
  // A Primary whose sibling vanishes freezes, and could then neither stop T nor unmount.
  await waitForVolume(
    machine,
    ({ connection, peerRole }) => connection !== "Connected" || peerRole !== "Primary",
    SIBLING_SECONDS,
    () =>
      `the sibling still has the volume in use after ${SIBLING_SECONDS} s; run \`tandem volume destroy\` there first`,
  );
  if ((await readVolume(machine)).role === "Primary") await changeRole(machine, "secondary");
  await disconnect(machine);
  await down(machine);
  // A link to a file that goes next: DRBD's tools would refuse all their work over it.
  await forgetNote(machine, `/etc/drbd.d/${RESOURCE}.res`);
  if (!purge) return `out of service; the data stay on ${record.order.disk}`;
  await erase(machine, record.order.disk);
  // Left over otherwise: an immutable folder that nobody can remove.
  await machine.run(["chattr", "-i", MOUNTPOINT], { timeoutMs: 10_000 });
  await machine.run(["rmdir", MOUNTPOINT], { timeoutMs: 10_000 });
  await forgetNote(machine, FOUNDING);
  await forgetNote(machine, RECORD);
  return `erased; ${record.order.disk} is blank`;
}

/** What `create` looks at becomes blank again. DRBD's metadata lies at the end. */
async function erase(machine: Machine, disk: string): Promise<void> {
  const bytes = await diskBytes(machine, disk);
  const tail = Math.ceil(bytes / 32_768) + 2 * MEBIBYTE;
  const zero = (offset: number, length: number) =>
    must(
      machine,
      ["fallocate", "--zero-range", "--keep-size", "--offset", `${offset}`, "--length", `${length}`, at(machine, disk)],
      `${disk} cannot be erased`,
    );
  await must(machine, ["wipefs", "--all", "--quiet", at(machine, disk)], `${disk} cannot be erased`);
  await zero(0, MEBIBYTE);
  await zero(Math.floor((bytes - tail) / 4096) * 4096, bytes - Math.floor((bytes - tail) / 4096) * 4096);
  machine.step();
}
