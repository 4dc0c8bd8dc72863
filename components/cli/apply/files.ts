import { chmod, chown, mkdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../verb.ts";
import { type Owner, resolveOwner } from "./accounts.ts";
import type { DirectorySpec, FileSpec } from "./bundle-type.ts";
import { checkCandidates } from "./checkers.ts";
import { asideOf, makeFolder, removeDurably, settle, syncFolder, writeAside } from "./durable.ts";
import { at, type Machine } from "./machine.ts";

type Named<T> = Readonly<Record<string, T>>;

/** Folders above the given paths that do not exist yet, outermost first. */
export async function missingParents(machine: Machine, paths: readonly string[]): Promise<string[]> {
  const missing = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
      if ((await kindOf(machine, folder)) !== "none") break;
      missing.add(folder);
    }
  }
  return [...missing].sort();
}

/** Creates folders, and corrects owner and mode of those that exist. @returns the paths changed */
export async function ensureDirectories(machine: Machine, directories: Named<DirectorySpec>): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, { mode, owner }] of Object.entries(directories).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const placement = { mode: Number.parseInt(mode, 8), ...(await resolveOwner(machine, owner)) };
    const there = await stat(at(machine, path)).catch(absent);
    if (there === undefined) {
      await mkdir(at(machine, dirname(path)), { recursive: true });
      await makeFolder(at(machine, path), placement);
    } else if (!there.isDirectory()) {
      throw new Failure(`${path} must be a folder and is something else; move it away and run this again`);
    } else if (differs(there, placement)) {
      await correct(at(machine, path), placement);
    } else continue;
    changed.push(path);
    machine.step();
  }
  return changed;
}

/** Which of the files are not yet on the machine exactly as declared. */
export async function findChanged(machine: Machine, files: Named<FileSpec>): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, spec] of Object.entries(files)) {
    const there = await stat(at(machine, path)).catch(absent);
    if (there?.isDirectory())
      throw new Failure(`${path} must be a file and is a folder; move it away and run this again`);
    const owner = await resolveOwnerIfKnown(machine, spec.owner);
    const same =
      there !== undefined &&
      owner !== undefined &&
      !differs(there, { mode: Number.parseInt(spec.mode, 8), ...owner }) &&
      (await readFile(at(machine, path), "utf8")) === spec.content;
    if (!same) changed.push(path);
  }
  return changed;
}

/** Writes the named files aside, has all of them checked, and only then puts them into place. */
export async function replaceFiles(
  machine: Machine,
  files: Named<FileSpec>,
  changed: readonly string[],
): Promise<void> {
  const chosen = Object.entries(files).filter(([path]) => changed.includes(path));
  const candidates = chosen.map(([path, { check }]) => ({ path, check, aside: asideOf(at(machine, path)) }));
  try {
    for (const [path, spec] of chosen) {
      const placement = { mode: Number.parseInt(spec.mode, 8), ...(await resolveOwner(machine, spec.owner)) };
      await writeAside(at(machine, path), spec.content, placement);
      machine.step();
    }
    await checkCandidates(machine, candidates);
  } catch (error) {
    for (const { aside } of candidates) await rm(aside, { force: true });
    throw error;
  }
  for (const { path } of candidates) {
    await settle(at(machine, path));
    machine.step();
  }
}

/** Where a package's own file waits while Tandem's stands in its place. */
export function keptOf(path: string): string {
  return `${path}.before-tandem`;
}

/** Whether a path exists with another content. */
export async function holdsOther(machine: Machine, path: string, content: string): Promise<boolean> {
  const there = await readFile(at(machine, path), "utf8").catch(absent);
  return there !== undefined && there !== content;
}

/** Keeps a package's file; the copy is complete before it has its name. */
export async function keepOriginal(machine: Machine, path: string): Promise<void> {
  const { mode, uid, gid } = await stat(at(machine, path));
  const kept = at(machine, keptOf(path));
  await writeAside(kept, await readFile(at(machine, path)), { mode: mode & 0o7777, uid, gid });
  await settle(kept);
  machine.step();
}

/** @param kept paths whose original comes back */
export async function deleteFiles(machine: Machine, paths: readonly string[], kept: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (kept.includes(path) && (await kindOf(machine, keptOf(path))) === "file") {
      await rename(at(machine, keptOf(path)), at(machine, path));
      await syncFolder(at(machine, dirname(path)));
    } else if (!kept.includes(path)) await removeDurably(at(machine, path));
    machine.step();
  }
}

/** Deletes folders, innermost first; one that still holds something stays. */
export async function deleteEmptyDirectories(machine: Machine, paths: readonly string[]): Promise<void> {
  for (const path of [...paths].sort().reverse()) {
    try {
      await rmdir(at(machine, path));
      await syncFolder(at(machine, dirname(path)));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EBUSY") throw error;
    }
    machine.step();
  }
}

export async function kindOf(machine: Machine, path: string): Promise<"none" | "folder" | "file"> {
  const there = await stat(at(machine, path)).catch(absent);
  if (there === undefined) return "none";
  return there.isDirectory() ? "folder" : "file";
}

function differs(there: { mode: number } & Owner, wanted: { mode: number } & Owner): boolean {
  return (there.mode & 0o7777) !== wanted.mode || there.uid !== wanted.uid || there.gid !== wanted.gid;
}

async function correct(path: string, wanted: { mode: number } & Owner): Promise<void> {
  await chown(path, wanted.uid, wanted.gid);
  await chmod(path, wanted.mode);
}

/** During a dry run an account may not exist yet; its files count as changed. */
async function resolveOwnerIfKnown(machine: Machine, owner: string | undefined): Promise<Owner | undefined> {
  return resolveOwner(machine, owner).catch((error: unknown) => {
    if (error instanceof Failure) return undefined;
    throw error;
  });
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
  return undefined;
}
