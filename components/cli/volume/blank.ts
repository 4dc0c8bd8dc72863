import { open, stat } from "node:fs/promises";
import { at, type Machine } from "../apply/machine.ts";
import { Failure } from "../verb.ts";
import type { VolumeOrder } from "./order.ts";

const MEBIBYTE = 2 ** 20;

/** As the kernel says it, through blockdev: stat knows no size of a block device. */
export async function diskBytes(machine: Machine, disk: string): Promise<number> {
  const there = await stat(at(machine, disk)).catch(() => undefined);
  if (there === undefined) throw new Failure(`[disk] ${disk} does not exist on this node`);
  const ended = await machine.run(["blockdev", "--getsize64", at(machine, disk)], { timeoutMs: 20_000 });
  const bytes = Number(ended.stdout.trim());
  if (ended.code !== 0 || !(bytes > 0)) throw new Failure(`[disk] ${disk} is not a block device of any size`);
  return bytes;
}

/**
 * Makes sure that nothing is lost when the disk becomes the volume's.
 * @throws Failure telling what was found; the disk is only read
 */
export async function requireBlank(machine: Machine, order: VolumeOrder): Promise<void> {
  const { disk } = order;
  const bytes = await diskBytes(machine, disk);
  if (bytes < order.bytes) {
    throw new Failure(
      `[disk] ${disk} has ${mebibytes(bytes)}; datastore.quotaBackend needs at least ${mebibytes(order.bytes)}: give it a ` +
        "larger disk, or lower the quota",
    );
  }
  const found = [
    ...(await inUse(machine, disk)),
    ...(await signatures(machine, disk)).map(({ type, offset }) => `a signature of ${type} at ${offset}`),
    ...(await contents(machine, disk, [HEAD, tailOf(bytes)])),
  ];
  if (found.length === 0) return;
  throw new Failure(
    [
      `[disk] ${disk} is not blank, and Tandem overwrites nothing; found on it:`,
      ...found.map((what) => `- ${what}`),
      `if nobody needs any of it: wipefs --all ${disk} && blkdiscard --zeroout ${disk}`,
    ].join("\n"),
  );
}

/** Mounted, part of a RAID or a volume group, or otherwise held by the kernel. */
export async function inUse(machine: Machine, disk: string): Promise<string[]> {
  const holders = ["lsblk", "--noheadings", "--raw", "--output", "NAME,TYPE,MOUNTPOINTS", at(machine, disk)] as const;
  const ended = await machine.run(holders, { timeoutMs: 20_000 });
  const [own = "", ...others] = ended.stdout.trim().split("\n");
  const where = own.split(" ")[2] ?? "";
  return [
    ...(where === "" ? [] : [`it is mounted at ${where}`]),
    ...others.map((line) => `${line.split(" ").slice(0, 2).reverse().join(" ")} on top of it`),
  ];
}

export interface Signature {
  readonly type: string;
  readonly offset: string;
  readonly label: string | null;
}

/** Every signature that libblkid knows, at whatever offset. */
export async function signatures(machine: Machine, disk: string): Promise<Signature[]> {
  const ended = await machine.run(["wipefs", "--no-act", "--json", at(machine, disk)], { timeoutMs: 60_000 });
  if (ended.code !== 0) throw new Failure(`[disk] ${disk} cannot be searched for signatures: ${ended.stderr.trim()}`);
  if (ended.stdout.trim() === "") return [];
  return (JSON.parse(ended.stdout) as { signatures: Signature[] }).signatures;
}

interface Place {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

/** Where file systems begin. */
export const HEAD: Place = { name: "the first MiB", start: 0, length: MEBIBYTE };

/** DRBD keeps a bitmap of one bit per 4 KiB and its activity log at the end of the disk. */
export function tailOf(bytes: number): Place {
  const length = Math.ceil(bytes / 32_768) + MEBIBYTE;
  return { name: "the last bytes, where DRBD's metadata goes,", start: bytes - length, length };
}

/** Bytes that are there, for what has no signature. */
export async function contents(machine: Machine, disk: string, places: readonly Place[]): Promise<string[]> {
  const file = await open(at(machine, disk), "r");
  try {
    const found: string[] = [];
    for (const { name, start, length } of places) {
      const offset = await firstNonZero(file, start, length);
      if (offset !== undefined) found.push(`data: ${name} hold a byte other than zero at ${offset}`);
    }
    return found;
  } finally {
    await file.close();
  }
}

async function firstNonZero(
  file: Awaited<ReturnType<typeof open>>,
  start: number,
  length: number,
): Promise<number | undefined> {
  const buffer = Buffer.alloc(MEBIBYTE);
  for (let offset = start; offset < start + length; ) {
    const wanted = Math.min(buffer.length, start + length - offset);
    const { bytesRead } = await file.read(buffer, 0, wanted, offset);
    if (bytesRead === 0) return undefined;
    const index = buffer.subarray(0, bytesRead).findIndex((byte) => byte !== 0);
    if (index !== -1) return offset + index;
    offset += bytesRead;
  }
  return undefined;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MEBIBYTE)} MiB`;
}
