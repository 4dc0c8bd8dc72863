import type { Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import { bothEqual, bothNew } from "./create.ts";
import { attach, changeRole, connect, declareEqual, disconnect, readVolume, waitForVolume } from "./drbd.ts";
import { fill } from "./fill.ts";
import type { VolumeOrder } from "./order.ts";
import { FOUNDING, readRecord, type VolumeRecord, writeNote, writeRecord } from "./record.ts";

const SIBLING_SECONDS = 120;

/** Node one's part: declares the two new copies equal, and gives the volume its contents. Leaves this node Secondary, apart. */
export async function firstSync(machine: Machine, withinSeconds = SIBLING_SECONDS): Promise<string> {
  const { order, step } = await pairedRecord(machine, 0);
  await attach(machine);
  if (step === "ready") return "the volume has its contents";
  await connect(machine);
  const met = await waitForVolume(
    machine,
    (reading) => reading.connection === "Connected" && (bothNew(reading) || bothEqual(reading)),
    withinSeconds,
    ({ connection, disk, peerDisk }) =>
      `not connected with a copy of ${order.sibling} that is as new as this one (${connection}, ${disk} here, ${peerDisk || "unknown"} ` +
      `there); if ${order.sibling} was restarted, run \`tandem volume create\` there again, without input`,
  );
  if (bothNew(met)) {
    await declareEqual(machine);
    await waitForVolume(
      machine,
      bothEqual,
      30,
      () => "the two copies were declared equal, and DRBD does not say UpToDate",
    );
  }
  if (met.role !== "Primary") await changeRole(machine, "primary");
  await fill(machine, order);
  await changeRole(machine, "secondary");
  return finish(machine, order);
}

/** Node two's part, once node one is done: apart as well, so that from now on only the agents connect the two. */
export async function settle(machine: Machine): Promise<string> {
  const { order, step } = await pairedRecord(machine, 1);
  await attach(machine);
  if (step === "ready") return "the volume is settled";
  const { disk, replication, role } = await readVolume(machine);
  const isWhole = disk === "UpToDate" || disk === "Consistent";
  if (!isWhole || role !== "Secondary" || (replication !== "Established" && replication !== "Off")) {
    throw new Failure(
      `this node's copy is ${disk} (${role}, ${replication}), not UpToDate; first run \`tandem volume first-sync\` on ${order.sibling}`,
    );
  }
  return finish(machine, order);
}

async function finish(machine: Machine, order: VolumeOrder): Promise<string> {
  await disconnect(machine);
  await writeNote(machine, FOUNDING, `${order.site}\n`);
  await writeRecord(machine, { order, step: "ready" });
  return "the volume is ready";
}

async function pairedRecord(machine: Machine, index: 0 | 1): Promise<VolumeRecord> {
  const record = await readRecord(machine);
  if (record === undefined || record.step === "claimed")
    throw new Failure("there is no volume on this node that has met its sibling; `tandem volume create` comes first");
  if (record.order.index !== index)
    throw new Failure(`this is node ${index === 0 ? "two" : "one"}'s volume; run this on ${record.order.sibling}`);
  return record;
}
