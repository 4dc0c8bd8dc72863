import { randomUUID } from "node:crypto";
import { chmod, chown, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface Placement {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who runs this program: root on a machine of a site. */
export const ourselves: Pick<Placement, "uid" | "gid"> = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** The name under which a file waits beside its place. Its ending keeps it out of every `*.conf`, `*.res` and unit search. */
export function asideOf(path: string): string {
  return `${path}.tandem-new`;
}

/** Writes a file beside its place, complete and on the disk, so that only a rename is missing. */
export async function writeAside(path: string, content: string | Uint8Array, placement: Placement): Promise<void> {
  const aside = asideOf(path);
  await rm(aside, { force: true });
  // Created closed and exclusively: a secret is never readable by others, not even for a moment.
  const file = await open(aside, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.chown(placement.uid, placement.gid);
    await file.chmod(placement.mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts what {@link writeAside} wrote into its place, durably. A program that executes the old file keeps the old one. */
export async function settle(path: string): Promise<void> {
  await rename(asideOf(path), path);
  await syncFolder(dirname(path));
}

export async function writeDurably(path: string, content: string, placement: Placement): Promise<void> {
  await writeAside(path, content, placement);
  await settle(path);
}

export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(asideOf(path), { force: true });
  await syncFolder(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

/** Creates a folder, complete with owner and mode before it has its name. */
export async function makeFolder(path: string, placement: Placement): Promise<void> {
  const aside = `${path}.tandem-${randomUUID()}`;
  await mkdir(aside);
  await chown(aside, placement.uid, placement.gid);
  await chmod(aside, placement.mode);
  await rename(aside, path);
  await syncFolder(dirname(path));
}

/** A rename is on the disk only when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
