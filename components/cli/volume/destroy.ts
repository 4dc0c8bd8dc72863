import type { Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import { MOUNTPOINT } from "./create.ts";
import { changeRole, disconnect, down, RESOURCE, readVolume, waitForVolume } from "./drbd.ts";
import { erase } from "./erase.ts";
import type { VolumeOrder } from "./order.ts";
import { FOUNDING, forgetNote, JOINING, RECORD, readRecord } from "./record.ts";

/** T's own stop, with the slowest of programs. */
const SIBLING_SECONDS = 90;

/** Takes the volume out of service. Its data stay, and a later `create` finds them, unless they are to be purged. */
export async function destroy(machine: Machine, { site, purge }: VolumeOrder): Promise<string> {
  const record = await readRecord(machine);
  if (record === undefined) return "there is no volume on this node";
  if (record.order.site !== site)
    throw new Failure(`this node has the volume of the site ${record.order.site}, not of ${site}; it is left alone`);
  await requireNoAgent(machine);
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
  await erase(machine, record);
  // Left over otherwise: an immutable folder that nobody can remove.
  await machine.run(["chattr", "-i", MOUNTPOINT], { timeoutMs: 10_000 });
  await machine.run(["rmdir", MOUNTPOINT], { timeoutMs: 10_000 });
  await forgetNote(machine, FOUNDING);
  await forgetNote(machine, JOINING);
  await forgetNote(machine, RECORD);
  return `erased; ${record.order.disk} is blank`;
}

/** It would take for a failure what is done here, and answer it. */
async function requireNoAgent(machine: Machine): Promise<void> {
  const { stdout } = await machine.run(["systemctl", "is-active", "tandem-agent.service"], { timeoutMs: 30_000 });
  const state = stdout.trim();
  if (["inactive", "failed", "unknown"].includes(state)) return;
  throw new Failure(
    `tandem-agent.service is ${state} on this node and decides over the volume, so it is not destroyed; \`pulumi destroy\` ` +
      "stops the agents first. By hand, on both nodes: systemctl stop tandem-agent.service",
  );
}
