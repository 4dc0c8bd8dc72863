import { Failure } from "../verb.ts";
import { ensureUsers } from "./accounts.ts";
import { type FetchedArtifact, fetchArtifact, isInstalled } from "./artifacts.ts";
import type { ApplyBundle, DirectorySpec, FileSpec, UnitSpec } from "./bundle-type.ts";
import {
  deleteEmptyDirectories,
  deleteFiles,
  ensureDirectories,
  findChanged,
  missingParents,
  replaceFiles,
} from "./files.ts";
import type { Machine } from "./machine.ts";
import { claimOwnership, isAbove, keepOriginals, pathsOf, refuseForeign } from "./ownership.ts";
import { ensureModules, ensurePackages } from "./packages.ts";
import { prove } from "./proof.ts";
import { type AppliedRecord, emptyRecord, loadRecords, saveRecord } from "./record.ts";
import { keepGood, restoreGood, rolledBack } from "./rollback.ts";
import { bringUp, letGo, mask, plannedChanges, reloadManager, reloadUnit, unitOfFile } from "./units.ts";

/** One line per thing changed; empty when the machine was as declared. */
export type Changes = readonly string[];

/**
 * Makes the machine what the bundle says. May be ended at any point and run again: ownership is recorded before the first
 * change, and a unit counts as restarted only once it was.
 */
export async function applyBundle(machine: Machine, bundle: ApplyBundle): Promise<Changes> {
  const changes: string[] = [];
  try {
    const record = await install(machine, bundle, changes);
    await start(machine, bundle, record, changes);
    if (bundle.rollBack) await keepGood(machine, bundle, record);
    await saveRecord(machine, { ...record, pending: false });
    return changes;
  } catch (error) {
    if (!bundle.rollBack || !(error instanceof Failure)) throw error;
    return goBack(machine, bundle, error);
  }
}

/** Everything up to the units. */
async function install(machine: Machine, bundle: ApplyBundle, changes: string[]): Promise<AppliedRecord> {
  const records = await loadRecords(machine);
  const before = records.get(bundle.component) ?? emptyRecord(bundle.component);
  const others = [...records.values()].filter(({ component }) => component !== bundle.component);
  await refuseForeign(machine, bundle, before, others);

  const parents = await missingParents(machine, [...pathsOf(bundle), ...Object.keys(bundle.directories ?? {})]);
  const record = await claimOwnership(machine, bundle, before, others, parents);
  const say = (verb: string, things: readonly string[]) => changes.push(...things.map((thing) => `${verb} ${thing}`));

  const masked = (bundle.units ?? []).filter((unit) => unit.mask).map(({ name }) => name);
  say("masked", await mask(machine, masked));
  say("installed", await ensurePackages(machine, bundle.packages ?? []));
  say("created user", await ensureUsers(machine, bundle.users ?? []));
  say("made folder", await ensureDirectories(machine, declaredDirectories(bundle, parents)));
  say("installed", await ensureArtifacts(machine, bundle, record));
  say("loaded", await ensureModules(machine, bundle.modules ?? []));

  await keepOriginals(machine, bundle, before, record);
  const written = await writeFiles(machine, bundle);
  say("wrote", written);
  const gone = await dropUndeclared(machine, bundle, record, others);
  say("removed", gone);
  if (before.pending || [...written, ...gone].some(isUnitFile)) await reloadManager(machine);
  return record;
}

/** @throws Failure if a unit does not start, or what it is for is not seen */
async function start(machine: Machine, bundle: ApplyBundle, record: AppliedRecord, changes: string[]): Promise<void> {
  for (const unit of bundle.units ?? [])
    changes.push(...(await settleUnit(machine, unit, record)).map((change) => `unit ${change}`));
  for (const proof of bundle.prove ?? []) await prove(machine, proof);
}

/** Applies the last bundle that worked. @throws Failure always: with the first error, or with both */
async function goBack(machine: Machine, bundle: ApplyBundle, error: Failure): Promise<never> {
  let good: ApplyBundle | undefined;
  try {
    good = await restoreGood(machine, bundle);
    if (good !== undefined) await applyBundle(machine, { ...good, rollBack: false });
  } catch (second) {
    throw new Failure(`${error.message}\nThe way back to what was before failed too: ${(second as Error).message}`);
  }
  throw good === undefined ? error : rolledBack(bundle.component, error);
}

/** What {@link applyBundle} would change, without changing anything. */
export async function planBundle(machine: Machine, bundle: ApplyBundle): Promise<Changes> {
  const records = await loadRecords(machine).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return new Map<string, AppliedRecord>();
  });
  const record = records.get(bundle.component) ?? emptyRecord(bundle.component);
  await refuseForeign(machine, bundle, record, [...records.values()]);
  const plan = (await findChanged(machine, bundle.files ?? {})).map((path) => `would write ${path}`);
  for (const spec of bundle.artifacts ?? []) {
    if (!(await isInstalled(machine, spec, record.artifacts[spec.name]))) plan.push(`would install ${spec.name}`);
  }
  for (const path of record.files) if (!pathsOf(bundle).includes(path)) plan.push(`would remove ${path}`);
  for (const unit of bundle.units ?? []) {
    for (const change of await plannedChanges(machine, unit, record.units[unit.name]))
      plan.push(`would ${change} ${unit.name}`);
  }
  return plan;
}

async function ensureArtifacts(machine: Machine, bundle: ApplyBundle, record: AppliedRecord): Promise<string[]> {
  // All are here and verified before the first takes its place: half of a release is none.
  const fetched = new Map<string, FetchedArtifact>();
  try {
    for (const spec of bundle.artifacts ?? [])
      if (!(await isInstalled(machine, spec, record.artifacts[spec.name])))
        fetched.set(spec.name, await fetchArtifact(machine, spec));
    for (const [name, artifact] of fetched) {
      record.artifacts = { ...record.artifacts, [name]: await artifact.install() };
      await saveRecord(machine, record);
    }
    return [...fetched.keys()];
  } finally {
    for (const artifact of fetched.values()) await artifact.discard();
  }
}

/** Units last: systemd-analyze looks for the scripts and programs that they name. */
async function writeFiles(machine: Machine, bundle: ApplyBundle): Promise<string[]> {
  const files = Object.entries(bundle.files ?? {});
  const written: string[] = [];
  for (const part of [files.filter(([path]) => !isUnitFile(path)), files.filter(([path]) => isUnitFile(path))]) {
    const specs: Record<string, FileSpec> = Object.fromEntries(part);
    const changed = await findChanged(machine, specs);
    await replaceFiles(machine, specs, changed);
    written.push(...changed);
  }
  return written;
}

async function dropUndeclared(
  machine: Machine,
  bundle: ApplyBundle,
  record: AppliedRecord,
  others: readonly AppliedRecord[],
): Promise<string[]> {
  const files = Object.keys(bundle.files ?? {});
  const declaredUnits = new Set([
    ...(bundle.units ?? []).map(({ name }) => name),
    ...files.flatMap((path) => unitOfFile(path) ?? []),
  ]);
  const toReload: string[] = [];
  for (const [name, owned] of Object.entries(record.units)) {
    if (declaredUnits.has(name)) continue;
    const shared = others.some(({ units }) => Object.hasOwn(units, name));
    if (await letGo(machine, name, owned, shared)) toReload.push(name);
  }

  const elsewhere = new Set(others.flatMap(({ files }) => files));
  const declared = new Set(pathsOf(bundle));
  const strayFiles = record.files.filter((path) => !declared.has(path));
  await deleteFiles(
    machine,
    strayFiles.filter((path) => !elsewhere.has(path)),
    record.tookOver,
  );
  record.tookOver = record.tookOver.filter((path) => declared.has(path));
  for (const name of toReload) await reloadUnit(machine, name);
  const artifacts = new Set((bundle.artifacts ?? []).map(({ name }) => name));
  record.artifacts = Object.fromEntries(Object.entries(record.artifacts).filter(([name]) => artifacts.has(name)));
  record.files = [...declared].sort();
  record.units = Object.fromEntries(Object.entries(record.units).filter(([name]) => declaredUnits.has(name)));

  const wantedFolders = Object.keys(declaredDirectories(bundle, []));
  const kept = [...declared, ...wantedFolders];
  const strayFolders = record.directories.filter((path) => !wantedFolders.includes(path) && !isAbove(path, kept));
  await deleteEmptyDirectories(machine, strayFolders);
  record.directories = record.directories.filter((path) => !strayFolders.includes(path));
  await saveRecord(machine, record);
  return strayFiles;
}

async function settleUnit(machine: Machine, unit: UnitSpec, record: AppliedRecord): Promise<string[]> {
  const changes = await plannedChanges(machine, unit, record.units[unit.name]);
  await bringUp(machine, unit, changes, async (digests) => {
    const known = record.units[unit.name];
    if (known !== undefined) record.units[unit.name] = { ...known, ...digests };
    await saveRecord(machine, record);
  });
  return changes.map((change) => `${unit.name}: ${change}`);
}

function declaredDirectories(bundle: ApplyBundle, parents: readonly string[]): Record<string, DirectorySpec> {
  return { ...Object.fromEntries(parents.map((path) => [path, { mode: "0755" }])), ...bundle.directories };
}

function isUnitFile(path: string): boolean {
  return path.startsWith("/etc/systemd/system/");
}
