import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GuestSpec } from "./guest.ts";
import type { Kernel } from "./kernel.ts";
import type { LabKeys } from "./keys.ts";
import { destroyNamespace, labNamespaces } from "./network.ts";
import { isAlive, type ProcessId } from "./process.ts";
import type { Toolchain } from "./toolchain.ts";

/** What a lab is made of. It keeps this until its end: a guest's disk belongs to one image. */
export interface LabParts {
  keys: LabKeys;
  kernel: Kernel;
  /** Image file by suite. */
  images: Record<string, string>;
  bundleDisk: string;
  toolchain: Toolchain;
}

/** What other processes must know of a lab. It lies outside the cache, of which a machine may have several. */
export interface LabRecord {
  /** The process that the lab ends with; null for a detached lab. */
  owner: ProcessId | null;
  folder: string;
  guests: readonly GuestSpec[];
  parts: LabParts;
}

/** `left over`: its process died. `unknown`: nothing says whose it is, so only its name on the command line ends it. */
export type LabState = "detached" | "owned" | "left over" | "unknown";

export function listLabs(): { name: string; state: LabState }[] {
  return labNamespaces().map((namespace) => {
    const name = namespace.slice(namespaceOf("").length);
    const record = readRecord(name);
    if (!record) return { name, state: "unknown" };
    if (!record.owner) return { name, state: "detached" };
    return { name, state: isAlive(record.owner) ? "owned" : "left over" };
  });
}

/** Ends a lab by its name, whatever became of the process that started it, and removes its disks. */
export async function removeLab(name: string): Promise<void> {
  if (labNamespaces().includes(namespaceOf(name))) await destroyNamespace(namespaceOf(name));
  forgetLab(name);
}

/** Removes disks and record; consoles and Pulumi state stay until a lab of this name starts again. */
export function forgetLab(name: string): void {
  const folder = readRecord(name)?.folder;
  if (folder && existsSync(folder))
    for (const file of readdirSync(folder))
      if (/\.(cow|data|process|pid)$/.test(file)) rmSync(join(folder, file), { force: true });
  rmSync(socketFolder(name), { recursive: true, force: true });
  rmSync(recordFile(name), { force: true });
}

/** Takes the name for this lab and removes what an ended one of that name left. */
export async function claim(name: string, record: LabRecord): Promise<void> {
  const earlier = readRecord(name);
  if (earlier?.owner === null && labNamespaces().includes(namespaceOf(name)))
    throw new Error(`the lab "${name}" is up already: end it with "npm run lab -- down ${name}"`);
  if (earlier?.owner && isAlive(earlier.owner))
    throw new Error(`process ${earlier.owner.pid} uses the lab "${name}": wait for its end, or choose another name`);
  await removeLab(name);
  rmSync(record.folder, { recursive: true, force: true });
  mkdirSync(record.folder, { recursive: true });
  mkdirSync(socketFolder(name), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(recordFile(name)), { recursive: true });
  writeFileSync(recordFile(name), JSON.stringify(record), { flag: "wx" });
}

export function readRecord(name: string): LabRecord | undefined {
  const file = recordFile(name);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

export function namespaceOf(name: string): string {
  return `tandem-${name}`;
}

/** Short, because the path of a socket has at most 107 characters. */
export function socketFolder(name: string): string {
  return `/run/tandem-lab/${name}`;
}

function recordFile(name: string): string {
  return `/run/tandem-lab/${name}.json`;
}
