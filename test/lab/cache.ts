import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { atExit } from "./cleanup.ts";
import { isAlive, type ProcessId, processId } from "./process.ts";
import { say } from "./progress.ts";

/** Everything that the lab builds or keeps lies under this folder, outside the checkout; it may be deleted at any time. */
export function cachePath(...parts: string[]): string {
  const root = process.env.TANDEM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tandem");
  return join(root, ...parts);
}

export function fingerprint(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

/**
 * Runs `work` while no other process runs work under the same name in this cache. A lock left by a dead process is
 * taken over.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const file = cachePath(`${name}.lock`);
  await mkdir(cachePath(), { recursive: true });
  let told = false;
  while (!takeLock(file)) {
    if (!told) say(`… waiting for another process that holds ${file}`);
    told = true;
    await sleep(500);
  }
  const release = () => rmSync(file, { force: true });
  const forget = atExit(release);
  try {
    return await work();
  } finally {
    release();
    forget();
  }
}

function takeLock(file: string): boolean {
  try {
    writeFileSync(file, JSON.stringify(processId(process.pid)), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const holder = readHolder(file);
  if (holder && !isAlive(holder)) rmSync(file, { force: true });
  return false;
}

function readHolder(file: string): ProcessId | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // Just released, or not written yet.
    return undefined;
  }
}

/** An empty folder for a build; the finished thing is renamed out of it, so that what has its name is complete. */
export function scratchFolder(name: string): string {
  const folder = cachePath("build", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
