import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../verb.ts";
import { ourselves, removeDurably, writeDurably } from "./durable.ts";
import { at, type Machine } from "./machine.ts";

/** What a component owns on this machine; lies at /var/lib/tandem/applied/<component>.json. */
export interface AppliedRecord {
  component: string;
  /** True from before the first change of a run until after its last proof. */
  pending: boolean;
  /** Paths written, or about to be written. */
  files: string[];
  /** Those of them in whose place a package's file was; see `FileSpec.takeOver`. */
  tookOver: string[];
  /** Folders created by Tandem. */
  directories: string[];
  /** By artifact name. */
  artifacts: Record<string, InstalledArtifact>;
  /** By unit name. */
  units: Record<string, OwnedUnit>;
}

export interface InstalledArtifact {
  /** Of the download. */
  sha256: string;
  /** Digest of each installed file, by path. */
  files: Record<string, string>;
}

export interface OwnedUnit {
  /** By Tandem; a unit that was before Tandem came stays so. */
  enabled: boolean;
  masked: boolean;
  /**
   * What it needs when it is no longer declared. `reload`: a service that ran before Tandem came, which only has to forget our
   * files, by a restart if it knows no reload.
   */
  leave: "stop" | "reload" | "nothing";
  /** Digest of the files under `restartOn` at the last start or restart that succeeded. */
  startedWith: string | null;
  /** The same, of the files under `reloadOn`, which a reload puts into effect too; absent in the record of an earlier release. */
  reloadedWith?: string | null;
}

export const RECORDS = "/var/lib/tandem/applied";

export function emptyRecord(component: string): AppliedRecord {
  return { component, pending: false, files: [], tookOver: [], directories: [], artifacts: {}, units: {} };
}

/** Every component's record, by component. */
export async function loadRecords(machine: Machine): Promise<Map<string, AppliedRecord>> {
  const folder = at(machine, RECORDS);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const records = new Map<string, AppliedRecord>();
  for (const name of names) {
    const path = join(folder, name);
    try {
      const record = JSON.parse(await readFile(path, "utf8")) as AppliedRecord;
      records.set(record.component, record);
    } catch (error) {
      throw new Failure(
        `${path} cannot be read as JSON (${(error as Error).message}), so what Tandem owns here is unknown; ` +
          "delete the file, check by hand the files of this component, and apply again",
      );
    }
  }
  return records;
}

export async function saveRecord(machine: Machine, record: AppliedRecord): Promise<void> {
  await writeDurably(pathOf(machine, record.component), `${JSON.stringify(record, null, 2)}\n`, {
    mode: 0o600,
    ...ourselves,
  });
  machine.step();
}

export async function deleteRecord(machine: Machine, component: string): Promise<void> {
  await removeDurably(pathOf(machine, component));
  machine.step();
}

function pathOf(machine: Machine, component: string): string {
  return join(at(machine, RECORDS), `${component}.json`);
}
