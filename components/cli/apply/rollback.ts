import { copyFile, link, mkdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "../verb.ts";
import type { ApplyBundle } from "./bundle-type.ts";
import { ourselves, settle, syncFolder, writeAside, writeDurably } from "./durable.ts";
import { at, type Machine } from "./machine.ts";
import { type AppliedRecord, type InstalledArtifact, loadRecords, saveRecord } from "./record.ts";

/** The last bundle of a component whose proofs held, and the programs that came with it. */
interface Good {
  readonly bundle: ApplyBundle;
  readonly artifacts: Readonly<Record<string, InstalledArtifact>>;
}

const GOOD = "/var/lib/tandem/good";

/** Keeps what works now, to go back to. Programs are kept as second names of the same files, which cost nothing until they are replaced. */
export async function keepGood(machine: Machine, bundle: ApplyBundle, { artifacts }: AppliedRecord): Promise<void> {
  const folder = at(machine, folderOf(bundle.component));
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  for (const path of programsOf(artifacts)) {
    await mkdir(dirname(join(fresh, path)), { recursive: true });
    await keep(at(machine, path), join(fresh, path));
  }
  const good: Good = { bundle, artifacts };
  await writeDurably(join(fresh, "good.json"), JSON.stringify(good), { mode: 0o600, ...ourselves });
  machine.step();
  const old = `${folder}.old`;
  // Of an interrupted run the older one may be the only one that is left.
  if (await exists(folder)) {
    await rm(old, { recursive: true, force: true });
    await rename(folder, old);
  }
  machine.step();
  await rename(fresh, folder);
  await syncFolder(dirname(folder));
  machine.step();
  await rm(old, { recursive: true, force: true });
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function keep(path: string, as: string): Promise<void> {
  await link(path, as).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EXDEV") throw error;
    // /usr and /var, say, on file systems of their own.
    return copyFile(path, as);
  });
}

/** Forgets it, with the component. */
export async function forgetGood(machine: Machine, component: string): Promise<void> {
  for (const suffix of ["", ".old", ".new"])
    await rm(at(machine, folderOf(component) + suffix), { recursive: true, force: true });
  await rmdir(at(machine, GOOD)).catch((error: NodeJS.ErrnoException) => {
    // Another component's is there, or none ever was.
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
  });
}

/**
 * Puts the programs of the last good bundle back into their places.
 * @returns that bundle, to be applied; undefined if there is none, or none but this one
 */
export async function restoreGood(machine: Machine, bundle: ApplyBundle): Promise<ApplyBundle | undefined> {
  const { component } = bundle;
  const record = (await loadRecords(machine)).get(component);
  const found = await readGood(machine, [folderOf(component), `${folderOf(component)}.old`]);
  if (record === undefined || found === undefined) return undefined;
  const { folder, text } = found;
  const good = JSON.parse(text) as Good;
  if (JSON.stringify(good.bundle) === JSON.stringify(bundle)) return undefined;
  for (const path of programsOf(good.artifacts)) {
    const kept = at(machine, `${folder}${path}`);
    const mode = (await stat(kept)).mode & 0o7777;
    await writeAside(at(machine, path), await readFile(kept), { mode, ...ourselves });
    await settle(at(machine, path));
    machine.step();
  }
  await saveRecord(machine, { ...record, artifacts: { ...good.artifacts } });
  return good.bundle;
}

/** From the first folder that has one: an interruption may have left the former one alone. */
async function readGood(
  machine: Machine,
  folders: readonly string[],
): Promise<{ folder: string; text: string } | undefined> {
  for (const folder of folders) {
    try {
      return { folder, text: await readFile(at(machine, `${folder}/good.json`), "utf8") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}

/** What is told when the former state works again. */
export function rolledBack(component: string, error: unknown): Failure {
  return new Failure(
    `${component} was put back as it was before, and works again, because what was asked for does not: ${(error as Error).message}\n` +
      "Nothing on the other node was changed for it. Correct the configuration, or repair what is named, and run `pulumi up` again.",
  );
}

function programsOf(artifacts: Readonly<Record<string, InstalledArtifact>>): string[] {
  return Object.values(artifacts).flatMap(({ files }) => Object.keys(files));
}

function folderOf(component: string): string {
  return `${GOOD}/${component}`;
}
