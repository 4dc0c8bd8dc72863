import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AsideMark } from "../../components/arbiter/agent/linux/aside.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-aside-"));
  path = join(folder, "aside");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("what the agent says of this node is in the file, from its first word on", () => {
  const mark = new AsideMark(path);
  mark.set(false);
  expect(readFileSync(path, "utf8")).toBe("0\n");
  mark.set(true);
  expect(readFileSync(path, "utf8")).toBe("1\n");
  mark.set(false);
  expect(readFileSync(path, "utf8")).toBe("0\n");
});

test("the same word is not written again, and a new one takes the file's place at once", () => {
  const mark = new AsideMark(path);
  mark.set(false);
  const before = statSync(path).ino;
  mark.set(false);
  expect(statSync(path).ino).toBe(before);
  mark.set(true);
  expect(statSync(path).ino).not.toBe(before);
});

test("a folder that is not there yet ends nobody, and is written to as soon as it is", () => {
  const later = join(folder, "later");
  const mark = new AsideMark(join(later, "aside"));
  mark.set(true);
  mkdirSync(later);
  mark.set(true);
  expect(readFileSync(join(later, "aside"), "utf8")).toBe("1\n");
});

test("an agent that starts anew writes it, whatever was there", () => {
  new AsideMark(path).set(true);
  unlinkSync(path);
  new AsideMark(path).set(true);
  expect(readFileSync(path, "utf8")).toBe("1\n");
});
