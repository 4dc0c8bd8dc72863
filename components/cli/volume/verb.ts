import { text } from "node:stream/consumers";
import { withLock } from "../apply/lock.ts";
import { thisMachine } from "../apply/machine.ts";
import { Failure, type Verb } from "../verb.ts";
import { create } from "./create.ts";
import { destroy } from "./destroy.ts";
import { readVolume } from "./drbd.ts";
import { firstSync, settle } from "./first-sync.ts";
import { parseOrder, type VolumeOrder } from "./order.ts";
import { readRecord } from "./record.ts";

const LOCK = "/run/lock/tandem-volume";
const LOCK_WAIT_SECONDS = 30;

const works: Readonly<Record<string, () => Promise<string>>> = {
  create: async () => create(thisMachine, await orderOrRecord()),
  "first-sync": () => firstSync(thisMachine),
  settle: () => settle(thisMachine),
  destroy: async () => destroy(thisMachine, await orderOrRecord()),
  status,
};

export const volume: Verb = {
  usage: "volume create|first-sync|settle|destroy|status [< order.json]",
  summary:
    "Makes T's replicated volume: create on both nodes at once, first-sync on node one, settle on node two; without input, " +
    "create and destroy go by what this node was told before.",
  async run(args) {
    const [name = "", ...rest] = args;
    const work = Object.hasOwn(works, name) ? works[name] : undefined;
    if (work === undefined || rest.length > 0)
      throw new Failure(
        `\`tandem volume\` knows ${Object.keys(works).join(", ")}, each alone, not ${JSON.stringify(args.join(" "))}`,
      );
    const said = name === "status" ? await work() : await withLock(LOCK, LOCK_WAIT_SECONDS, work);
    process.stdout.write(`${said}\n`);
  },
};

async function orderOrRecord(): Promise<VolumeOrder> {
  const input = process.stdin.isTTY ? "" : await text(process.stdin);
  if (input.trim() !== "") return parseOrder(input);
  const record = await readRecord(thisMachine);
  if (record === undefined) throw new Failure("this node was never told of a volume; `pulumi up` tells it");
  return record.order;
}

async function status(): Promise<string> {
  const record = await readRecord(thisMachine);
  if (record === undefined) return "no volume";
  const { order, step } = record;
  const { configured, role, disk, peerDisk, connection, replication } = await readVolume(thisMachine);
  const state = configured
    ? `${role}, ${disk}; ${connection || "StandAlone"}, ${replication || "Off"}, peer disk ${peerDisk || "DUnknown"}`
    : "not configured in the kernel";
  return `volume of ${order.site} on ${order.disk}: ${step}; DRBD: ${state}`;
}
