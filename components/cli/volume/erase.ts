import { at, type Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import { contents, diskBytes, HEAD, inUse, type Signature, signatures, tailOf } from "./blank.ts";
import { must } from "./drbd.ts";
import { LABEL } from "./fill.ts";
import type { VolumeRecord } from "./record.ts";
import { parseSentinel, SENTINEL } from "./sentinel.ts";

const MEBIBYTE = 2 ** 20;
const BLOCK = 4096;

/**
 * Makes the disk what `create` takes for blank, if what is on it shows itself to be this site's volume. Safe to run again
 * after any interruption.
 * @throws Failure for a disk that holds anything else, whatever this node was told of it once; nothing is changed then
 */
export async function erase(machine: Machine, record: VolumeRecord): Promise<void> {
  const { disk } = record.order;
  const bytes = await diskBytes(machine, disk);
  const strange = [...(await inUse(machine, disk)), ...(await notOurs(machine, record, bytes))];
  if (strange.length > 0) {
    throw new Failure(
      [
        `${disk} is not erased, because Tandem did not make all that is on it:`,
        ...strange.map((what) => `- ${what}`),
        `if nobody needs any of it: wipefs --all ${disk} && blkdiscard --zeroout ${disk}; then run this again`,
      ].join("\n"),
    );
  }
  // DRBD's metadata at the end first, and last the superblock, by which the rest is known for ours.
  const tail = Math.floor((bytes - Math.ceil(bytes / 32_768) - 2 * MEBIBYTE) / BLOCK) * BLOCK;
  await zero(machine, disk, tail, bytes - tail);
  await zero(machine, disk, BLOCK, MEBIBYTE - BLOCK);
  await zero(machine, disk, 0, BLOCK);
}

async function notOurs(machine: Machine, { order, step }: VolumeRecord, bytes: number): Promise<string[]> {
  const found = await signatures(machine, order.disk);
  if (found.length === 0) return contents(machine, order.disk, [HEAD, tailOf(bytes)]);
  const strange = found.filter((each) => each.type !== "drbd" && !isFileSystem(each));
  if (strange.length > 0) return strange.map(({ type, offset }) => `a signature of ${type} at ${offset}`);
  if (found.some(isFileSystem)) return otherSite(machine, order.disk, order.site);
  // Metadata alone: of a volume that was never finished, or of a new machine's empty copy.
  if (step !== "ready") return [];
  return (await contents(machine, order.disk, [HEAD])).map((what) => `${what}, and there is no file system of ours`);
}

const isFileSystem = ({ type, label }: Signature) => type === "ext4" && label === LABEL;

/**
 * The sentinel, read without mounting, and without the bitmaps that a crash may have left behind. There is none before
 * `first-sync` is done, nor after half of an erasure; the label has to do then.
 */
async function otherSite(machine: Machine, disk: string, own: string): Promise<string[]> {
  const argv = ["debugfs", "-c", "-R", `cat /${SENTINEL}`, at(machine, disk)] as const;
  const { stdout } = await must(machine, argv, `the file system on ${disk} cannot be read`);
  if (stdout === "") return [];
  const { site } = parseSentinel(stdout);
  return site === own ? [] : [`the volume of the site ${site}, and this node belongs to ${own}`];
}

async function zero(machine: Machine, disk: string, offset: number, length: number): Promise<void> {
  const range = ["--zero-range", "--keep-size", "--offset", `${offset}`, "--length", `${length}`];
  await must(machine, ["fallocate", ...range, at(machine, disk)], `${disk} cannot be erased`);
  machine.step();
}
