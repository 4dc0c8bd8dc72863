import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { lastLines } from "../process.ts";
import { Failure } from "../verb.ts";
import type { ArtifactSpec } from "./bundle-type.ts";
import { ourselves, settle, writeAside } from "./durable.ts";
import { at, type Machine } from "./machine.ts";
import type { InstalledArtifact } from "./record.ts";

const CACHE = "/var/cache/tandem";
const DOWNLOAD_LIMIT_MS = 300_000;

/** Whether the files that the record speaks of are the ones on the disk and of the wanted download. */
export async function isInstalled(
  machine: Machine,
  spec: ArtifactSpec,
  known: InstalledArtifact | undefined,
): Promise<boolean> {
  if (known?.sha256 !== spec.sha256) return false;
  for (const path of Object.keys(spec.install)) {
    const wanted = known.files[path];
    if (wanted === undefined || (await digestOf(at(machine, path)).catch(() => undefined)) !== wanted) return false;
  }
  return true;
}

/** A download that is here and is what was pinned; nothing of it is in its place yet. */
export interface FetchedArtifact {
  /** Unpacks it; the files take their places by rename. */
  install(): Promise<InstalledArtifact>;
  /** Deletes the download. */
  discard(): Promise<void>;
}

/** Fetches and verifies. @throws Failure if it is not there, or not what was pinned */
export async function fetchArtifact(machine: Machine, spec: ArtifactSpec): Promise<FetchedArtifact> {
  await mkdir(at(machine, CACHE), { recursive: true, mode: 0o700 });
  const scratch = await mkdtemp(join(at(machine, CACHE), "artifact-"));
  const discard = () => rm(scratch, { recursive: true, force: true });
  const archive = join(scratch, "download");
  try {
    if (spec.folder === undefined) await download(spec, archive);
    else await copyFile(await findInFolder(machine, spec, spec.folder), archive);
    const found = await digestOf(archive);
    if (found !== spec.sha256) {
      const from = spec.folder === undefined ? spec.url : join(spec.folder, fileName(spec));
      throw new Failure(
        `${from} is not the file that the site's configuration pins:\n` +
          `    sha256 wanted ${spec.sha256}\n    sha256 found  ${found}\n` +
          `Nothing of it was unpacked. Compare both with the sums published for ${spec.name}; correct the configuration, or replace the file.`,
      );
    }
    machine.step();
  } catch (error) {
    await discard();
    throw error;
  }
  const install = async () => ({
    sha256: spec.sha256,
    files: await installMembers(machine, spec, archive, scratch),
  });
  return { install, discard };
}

async function installMembers(
  machine: Machine,
  spec: ArtifactSpec,
  archive: string,
  scratch: string,
): Promise<Record<string, string>> {
  const members = Object.values(spec.install).filter((member) => member !== ".");
  if (members.length > 0) {
    const ended = await machine.run(["tar", "-xzf", archive, "-C", scratch, "--no-same-owner", ...members], {
      timeoutMs: 120_000,
    });
    if (ended.code !== 0) {
      throw new Failure(
        `${spec.name} has the right sha256, but these members cannot be unpacked: ${members.join(", ")}${lastLines(ended.stderr)}`,
      );
    }
  }
  const files: Record<string, string> = {};
  const placement = {
    mode: Number.parseInt(spec.mode ?? "0755", 8),
    ...ourselves,
  };
  for (const [path, member] of Object.entries(spec.install)) {
    const content = await readFile(member === "." ? archive : join(scratch, member));
    await mkdir(at(machine, dirname(path)), { recursive: true });
    await writeAside(at(machine, path), content, placement);
    await settle(at(machine, path));
    files[path] = createHash("sha256").update(content).digest("hex");
    machine.step();
  }
  return files;
}

async function findInFolder(machine: Machine, spec: ArtifactSpec, folder: string): Promise<string> {
  const path = join(folder, fileName(spec));
  const there = await stat(at(machine, path)).catch(() => undefined);
  if (!there?.isFile()) {
    throw new Failure(
      `${path} is missing; copy ${fileName(spec)} (from ${spec.url}) into ${folder} on this machine and run this again`,
    );
  }
  return at(machine, path);
}

async function download(spec: ArtifactSpec, to: string): Promise<void> {
  const out = await open(to, "wx", 0o600);
  try {
    const answer = await fetch(spec.url, { signal: AbortSignal.timeout(DOWNLOAD_LIMIT_MS) });
    if (!answer.ok || answer.body === null)
      throw new Error(`the server answered ${answer.status} ${answer.statusText}`);
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) await out.write(chunk);
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Failure(
      `${spec.url} cannot be downloaded: ${cause instanceof Error ? cause.message : message}; let this machine reach it, ` +
        `or put ${fileName(spec)} into a folder on it and name that folder in artifacts.bundle`,
    );
  } finally {
    await out.close();
  }
}

function fileName(spec: ArtifactSpec): string {
  return basename(new URL(spec.url).pathname);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
