import { rm } from "node:fs/promises";
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
    const elsewhere = new Set(others.flatMap(({ files }) => files));
    const files = record.files.filter((path) => !elsewhere.has(path));
    await deleteFiles(machine, files, record.tookOver);
    changes.push(...files.map((path) => `removed ${path}`));
    if (files.some((path) => path.startsWith("/etc/systemd/system/"))) await reloadManager(machine);
    for (const name of toReload) await reloadUnit(machine, name);
  }
  if (bundle.purge) {
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
