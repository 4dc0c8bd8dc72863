import { readFile, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure } from "../verb.ts";
import type { Changes } from "./apply.ts";
import type { ApplyBundle } from "./bundle-type.ts";
import { deleteEmptyDirectories, deleteFiles } from "./files.ts";
import { at, type Machine } from "./machine.ts";
import { deleteRecord, loadRecords } from "./record.ts";
import { forgetGood } from "./rollback.ts";
import { letGo, reloadManager, reloadUnit } from "./units.ts";

/**
 * Undoes a component: stops its units, deletes what the record says it owns, and its data only where the bundle says purge.
 * The record goes last, so an interrupted removal is finished by the next.
 * @throws Failure before anything is deleted, if what is to be purged has mounts in it
 */
export async function removeBundle(machine: Machine, bundle: ApplyBundle): Promise<Changes> {
  const records = await loadRecords(machine);
  const record = records.get(bundle.component);
  const changes: string[] = [];
  if (record !== undefined) {
    const others = [...records.values()].filter(({ component }) => component !== bundle.component);
    const toReload: string[] = [];
    for (const [name, owned] of Object.entries(record.units).reverse()) {
      const shared = others.some(({ units }) => Object.hasOwn(units, name));
      if (await letGo(machine, name, owned, shared)) toReload.push(name);
      changes.push(`let go of ${name}`);
    }
    // Only now: the units that are stopped may be what takes the mounts away.
    await refuseMounts(machine, bundle);
    const elsewhere = new Set(others.flatMap(({ files }) => files));
    const files = record.files.filter((path) => !elsewhere.has(path));
    await deleteFiles(machine, files, record.tookOver);
    changes.push(...files.map((path) => `removed ${path}`));
    if (files.some((path) => path.startsWith("/etc/systemd/system/"))) await reloadManager(machine);
    for (const name of toReload) await reloadUnit(machine, name);
  }
  if (bundle.purge) {
    await refuseMounts(machine, bundle);
    for (const path of bundle.data ?? []) {
      await rm(at(machine, path), { recursive: true, force: true });
      machine.step();
      changes.push(`purged ${path}`);
    }
  }
  if (record !== undefined) {
    await deleteEmptyDirectories(machine, record.directories);
    await forgetGood(machine, bundle.component);
    await deleteRecord(machine, bundle.component);
  }
  return changes;
}

/** What is purged must not be another file system's: a volume that a pod had may be on a server, with the data of many. */
async function refuseMounts(machine: Machine, { data = [], purge }: ApplyBundle): Promise<void> {
  if (!purge) return;
  const places = await mountPlaces(machine);
  const found: string[] = [];
  for (const path of data) {
    const folder = await placeOf(at(machine, path));
    found.push(...places.filter((place) => place === folder || place.startsWith(`${folder}/`)));
  }
  if (found.length === 0) return;
  throw new Failure(
    `file systems are mounted where data is to be purged, and would be emptied; nothing was deleted. Stop what uses them, unmount them, ` +
      `or reboot this machine, and run this again:\n${found
        .reverse()
        .map((place) => `    umount '${place}'`)
        .join("\n")}`,
  );
}

/** As the kernel has it: what leads to the path may have symbolic links in it. */
async function placeOf(path: string): Promise<string> {
  const parent = await realpath(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return dirname(path);
  });
  return join(parent, basename(path));
}

/** In the order in which they were mounted. */
async function mountPlaces(machine: Machine): Promise<string[]> {
  const text = await readFile(at(machine, "/proc/self/mounts"), "utf8");
  return text
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .map((place) =>
      place.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}
