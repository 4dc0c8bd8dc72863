import { Failure } from "../verb.ts";
import type { ApplyBundle, UnitSpec } from "./bundle-type.ts";
import { holdsOther, keepOriginal, kindOf } from "./files.ts";
import type { Machine } from "./machine.ts";
import { type AppliedRecord, type OwnedUnit, saveRecord } from "./record.ts";
import { isEnabled, leaveOf, unitOfFile } from "./units.ts";

/** Files that exist and that no component wrote are somebody's work. */
export async function refuseForeign(
  machine: Machine,
  bundle: ApplyBundle,
  record: AppliedRecord,
  others: readonly AppliedRecord[],
): Promise<void> {
  const owned = new Set([record, ...others].flatMap(({ files }) => files));
  const foreign: string[] = [];
  for (const path of pathsOf(bundle)) {
    if (owned.has(path) || bundle.files?.[path]?.takeOver) continue;
    if ((await kindOf(machine, path)) !== "none") foreign.push(path);
  }
  if (foreign.length === 0) return;
  throw new Failure(
    `these files exist and were not written by Tandem; nothing was changed. If nobody needs them, move them away and run this again:\n${foreign
      .map((path) => `    mv ${path} ${path}.before-tandem`)
      .join("\n")}`,
  );
}

/** Records what the bundle is about to own, before the first change. */
export async function claimOwnership(
  machine: Machine,
  bundle: ApplyBundle,
  before: AppliedRecord,
  others: readonly AppliedRecord[],
  parents: readonly string[],
): Promise<AppliedRecord> {
  // Folders that another component made and this one needs too go with the last of them.
  const shared = others.flatMap(({ directories }) => directories).filter((path) => isAbove(path, pathsOf(bundle)));
  const created: string[] = [...parents, ...shared];
  for (const path of Object.keys(bundle.directories ?? {})) {
    if ((await kindOf(machine, path)) === "none") created.push(path);
  }
  const units: Record<string, OwnedUnit> = { ...before.units };
  const own = Object.keys(bundle.files ?? {}).flatMap((path) => unitOfFile(path) ?? []);
  const declared = bundle.units ?? [];
  const undeclared = own.filter((name) => !declared.some((unit) => unit.name === name));
  const all: UnitSpec[] = [...declared, ...undeclared.map((name) => ({ name }))];
  for (const unit of all) {
    const known = units[unit.name];
    const ours = own.includes(unit.name);
    const theirs = others.flatMap((other) => other.units[unit.name] ?? []);
    // Whether it ran before Tandem came, only the first component that used it could see.
    const leave = [known, ...theirs]
      .map((each) => each?.leave)
      .find((each) => each !== undefined && each !== "nothing");
    const wasEnabled = async () =>
      !ours && !theirs.some(({ enabled }) => enabled) && (await isEnabled(machine, unit.name));
    // Added anew, for they are stopped in the reverse of the bundle's order, whichever the earlier bundle's was.
    delete units[unit.name];
    units[unit.name] = {
      enabled: known?.enabled || (unit.enable === true && !(await wasEnabled())),
      masked: unit.mask === true,
      leave: leave ?? (await leaveOf(machine, unit, ours)),
      startedWith: known?.startedWith ?? null,
      reloadedWith: known?.reloadedWith ?? null,
    };
  }
  const record: AppliedRecord = {
    ...before,
    pending: true,
    files: union(before.files, pathsOf(bundle)),
    directories: union(before.directories, created),
    units,
  };
  await saveRecord(machine, record);
  return record;
}

/** After the packages are there, which bring such files along. */
export async function keepOriginals(
  machine: Machine,
  bundle: ApplyBundle,
  before: AppliedRecord,
  record: AppliedRecord,
) {
  for (const [path, { takeOver, content }] of Object.entries(bundle.files ?? {})) {
    const ours = record.tookOver.includes(path) || (before.files.includes(path) && !before.pending);
    if (!takeOver || ours || !(await holdsOther(machine, path, content))) continue;
    await keepOriginal(machine, path);
    record.tookOver = union(record.tookOver, [path]);
    await saveRecord(machine, record);
  }
}

/** Files and installed executables. */
export function pathsOf(bundle: ApplyBundle): string[] {
  return [
    ...Object.keys(bundle.files ?? {}),
    ...(bundle.artifacts ?? []).flatMap(({ install }) => Object.keys(install)),
  ];
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

export function isAbove(folder: string, paths: readonly string[]): boolean {
  return paths.some((path) => path.startsWith(`${folder}/`));
}
