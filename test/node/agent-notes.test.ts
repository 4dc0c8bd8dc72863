import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readNotes, writeNotes } from "../../components/arbiter/agent/linux/notes.ts";
import { EMPTY_NOTES, type Notes } from "../../components/arbiter/agent/world.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-notes-"));
  path = join(folder, "notes.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const incarnation = "ed05d15598434088a8e90f76be490f70";
const key = { incarnation, gen: "68798EAEE4968C1A", k: 1 };
const notes: Notes = { ...EMPTY_NOTES, adopted: incarnation, nothingBut: incarnation, intents: [key], won: [key] };

test("what was noted is read again, and nothing else is left in the folder", () => {
  writeNotes(path, notes);
  expect(readNotes(path)).toEqual(notes);
  expect(readdirSync(folder)).toEqual(["notes.json"]);
});

test("a node that has never noted anything has empty notes", () => {
  expect(readNotes(path)).toEqual(EMPTY_NOTES);
});

test("a note that was cut off leaves the one before", () => {
  writeNotes(path, notes);
  writeFileSync(`${path}.new`, JSON.stringify(EMPTY_NOTES).slice(0, 20));
  expect(readNotes(path)).toEqual(notes);
  writeNotes(path, { ...notes, won: [] });
  expect(readNotes(path).won).toEqual([]);
});

test("a note that cannot be written is an error, and the one before stays", () => {
  writeNotes(path, notes);
  const program = `
    import { writeNotes, readNotes } from ${JSON.stringify(new URL("../../components/arbiter/agent/linux/notes.ts", import.meta.url).href)};
    const path = process.argv[1];
    writeNotes(path, { ...readNotes(path), won: [] });`;
  // A file system without room, as a limit on the size of files.
  const { status } = spawnSync("sh", [
    "-c",
    'ulimit -f 0; trap "" XFSZ; exec "$0" --input-type=module -e "$1" "$2"',
    process.execPath,
    program,
    path,
  ]);
  expect(status).not.toBe(0);
  expect(readNotes(path)).toEqual(notes);
});

test.each([
  ["half a file", '{"adopted":'],
  ["a file of zeros", "\0\0\0\0"],
  ["a claim without its number", JSON.stringify({ ...notes, won: [{ incarnation, gen: key.gen }] })],
  ["a word that is not known", JSON.stringify({ ...notes, trusted: true })],
])("%s is refused: an agent without its memory must not decide", (_, content) => {
  writeFileSync(path, content);
  expect(() => readNotes(path)).toThrow(
    /notes\.json cannot be understood: .*do not delete it while the nodes are apart/,
  );
});

test("the file is for root alone", () => {
  writeNotes(path, notes);
  expect(readFileSync(path, "utf8").endsWith("\n")).toBe(true);
  expect(spawnSync("stat", ["-c", "%a", path], { encoding: "utf8" }).stdout.trim()).toBe("600");
});
