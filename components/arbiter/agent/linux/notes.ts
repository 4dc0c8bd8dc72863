import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { boolean, type Check, exact, integer, list, nullable, text } from "../check.ts";
import { type ClaimKey, EMPTY_NOTES, type Notes } from "../world.ts";

const token = text(/^[A-Za-z0-9-]{1,64}$/, "a token");
const generation = text(/^[0-9A-F]{16}$/, "16 upper-case hex digits");
const keys: Check<ClaimKey[]> = list(
  exact<ClaimKey>({
    incarnation: token,
    gen: generation,
    k: integer(0, 1_000_000),
  }),
  1000,
);

const notes: Check<Notes> = exact<Notes>({
  adopted: nullable(token),
  nothingBut: nullable(token),
  intents: keys,
  won: keys,
  releasing: keys,
  past: list(generation, 1_000_000),
  doorOpened: nullable(token),
  connectedIn: nullable(token),
  diskFailed: boolean,
  superseded: nullable(generation),
  override: nullable(exact({ gen: generation, bootId: token })),
  waived: nullable(generation),
  waiver: nullable(generation),
});

/**
 * The notes of this node; empty if there have never been any.
 * @throws Error if the file cannot be understood: an agent without its memory must not decide
 */
export function readNotes(path: string): Notes {
  let json: string;
  try {
    json = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return EMPTY_NOTES;
    throw error;
  }
  try {
    return notes({ ...EMPTY_NOTES, ...JSON.parse(json) }, "");
  } catch (error) {
    throw new Error(
      `${path} cannot be understood: ${(error as Error).message}. It says which claims this node has asked for, so nothing is ` +
        "decided without it; do not delete it while the nodes are apart",
    );
  }
}

/**
 * Durable when it returns: aside, fsync, rename, fsync of the folder.
 * @throws Error if any step fails; then nothing that follows may happen
 */
export function writeDurably(path: string, content: string): void {
  const aside = `${path}.new`;
  const file = openSync(aside, "w", 0o600);
  try {
    // Unlike one write call, this either writes everything or throws.
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(aside, path);
  syncFolder(dirname(path));
}

/** Makes a rename or an unlink inside the folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export function writeNotes(path: string, value: Notes): void {
  writeDurably(path, `${JSON.stringify(value, null, 2)}\n`);
}
