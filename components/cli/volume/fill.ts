import { readFile } from "node:fs/promises";
import { ourselves, writeDurably } from "../apply/durable.ts";
import { kindOf } from "../apply/files.ts";
import { at, type Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import { must } from "./drbd.ts";
import type { VolumeOrder } from "./order.ts";
import { formatSentinel, parseSentinel, SENTINEL } from "./sentinel.ts";

/** Of the file system; by it and the sentinel a disk is known for Tandem's. */
export const LABEL = "etcd-t";
/** Not the volume's own mount point: nothing may take it for in service. */
const WORKPLACE = "/run/tandem-volume";
/** Of tandem-etcd, on either node. */
const ETCD_ID = 2379;

/** Gives the promoted volume its file system, the sentinel and T's empty folder; skips what an earlier run has done. */
export async function fill(machine: Machine, order: VolumeOrder): Promise<void> {
  const device = `/dev/drbd${order.minor}`;
  await ensureFileSystem(machine, device);
  await must(machine, ["mkdir", "-p", WORKPLACE], "no place to mount at");
  if ((await machine.run(["mountpoint", "--quiet", WORKPLACE], { timeoutMs: 10_000 })).code !== 0)
    await must(
      machine,
      ["mount", "-t", "ext4", "-o", "noatime", device, WORKPLACE],
      "the new file system cannot be mounted",
    );
  machine.step();
  try {
    await furnish(machine, order);
  } finally {
    await must(machine, ["umount", WORKPLACE], "the new file system cannot be unmounted");
  }
  machine.step();
}

async function ensureFileSystem(machine: Machine, device: string): Promise<void> {
  const probed = await machine.run(["blkid", "--probe", "--output", "export", device], { timeoutMs: 30_000 });
  // 2: nothing found. Its superblock is what mkfs writes last, so an interrupted one is found as nothing, too.
  if (probed.code === 2) {
    // The disk is blank, so there is nothing to discard; DRBD would write zeros over the whole copy of the sibling.
    const extended = "nodiscard,lazy_itable_init=0,lazy_journal_init=0";
    const argv = ["mkfs.ext4", "-q", "-m", "0", "-E", extended, "-L", LABEL, device] as const;
    await must(machine, argv, "the file system cannot be made", 600_000);
    machine.step();
    return;
  }
  const values = probed.stdout.split("\n");
  if (probed.code === 0 && values.includes("TYPE=ext4") && values.includes(`LABEL=${LABEL}`)) return;
  throw new Failure(`${device} holds something that Tandem did not make, and is left alone:\n${probed.stdout.trim()}`);
}

async function furnish(machine: Machine, order: VolumeOrder): Promise<void> {
  const folder = ["install", "--directory", "--mode=0700", `--owner=${ETCD_ID}`, `--group=${ETCD_ID}`] as const;
  await must(machine, [...folder, at(machine, `${WORKPLACE}/data`)], "T's folder cannot be made");
  machine.step();
  const sentinel = `${WORKPLACE}/${SENTINEL}`;
  if ((await kindOf(machine, sentinel)) === "none") {
    const text = formatSentinel({ site: order.site, state: "new" });
    await writeDurably(at(machine, sentinel), text, { mode: 0o644, ...ourselves });
    machine.step();
    return;
  }
  const { site } = parseSentinel(await readFile(at(machine, sentinel), "utf8"));
  if (site !== order.site) throw new Failure(`the volume belongs to the site ${site}, and this node to ${order.site}`);
}
