import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AsideMark } from "../../components/arbiter/agent/linux/aside.ts";
import { AsideAnswer } from "../../components/arbiter/agent/linux/aside-answer.ts";

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

const address = { host: "127.64.1.1", port: 2385 };

/** All that a load balancer hears; the error's code where nobody answers. */
async function heard(): Promise<string> {
  const socket = connect(address);
  return text(socket).catch((error) => error.code);
}

test("a load balancer hears the same, one word for each connection", async () => {
  const answer = new AsideAnswer(address);
  try {
    answer.set(false);
    await expect.poll(heard).toBe("up\n");
    answer.set(true);
    expect(await heard()).toBe("down #stands aside\n");
    answer.set(false);
    expect(await Promise.all([heard(), heard()])).toEqual(["up\n", "up\n"]);
  } finally {
    answer.close();
  }
  expect(await heard()).toBe("ECONNREFUSED");
});

test("a port that is taken ends no agent, and is listened on as soon as it is free", async () => {
  const other = createServer((socket) => socket.end("another\n"));
  await once(other.listen(address), "listening");
  const answer = new AsideAnswer(address);
  try {
    answer.set(true);
    expect(await heard()).toBe("another\n");
    other.close();
    await expect.poll(heard, { timeout: 5000 }).toBe("down #stands aside\n");
  } finally {
    answer.close();
  }
});
