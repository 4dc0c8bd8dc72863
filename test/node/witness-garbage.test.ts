import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Claimant } from "./claimant.ts";
import { openFiles } from "./open-files.ts";
import { answer, ScriptedWitness } from "./scripted-witness.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { Interview, type Question, questions } from "./witness-questions.ts";

/** Every question has one second. */
const LIMIT_MS = 1000;
const SLACK_MS = 5000;

let certificates: SiteCertificates;
let pki: string;

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  pki = await certificates.node("n1");
});
afterAll(() => certificates.remove());

type Say = (socket: TLSSocket, status: number) => void;

/** Speaks a piece at a time until nobody listens any more. */
function flood(socket: TLSSocket, piece: string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", more);
  more();
}

function drip(socket: TLSSocket, text: string, pauseMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at === text.length || socket.destroyed) clearInterval(timer);
    else socket.write(text.charAt(at++));
  }, pauseMs);
}

/** Each begins like an answer that would decide. */
const broken: Record<string, Say> = {
  nothing: () => {},
  "nothing, and the end": (socket) => socket.end(),
  "nothing, and a cut": (socket) => socket.destroy(),
  "half a status line": (socket, status) => socket.end(`HTTP/1.1 ${status}`),
  "half a status line that goes no further": (socket, status) => socket.write(`HTTP/1.1 ${status}`),
  "a head without its end": (socket, status) => socket.end(`HTTP/1.1 ${status} OK\r\nContent-Length: 2\r\n`),
  "a body shorter than announced, and the end": (socket, status) =>
    socket.end(`HTTP/1.1 ${status} OK\r\nContent-Length: 3\r\n\r\nn1`),
  "a body shorter than announced, and a cut": (socket, status) => {
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: 3\r\n\r\nn1`, () => socket.destroy());
  },
  "a body shorter than announced that goes no further": (socket, status) =>
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: 3\r\n\r\nn1`),
  "two lengths": (socket, status) =>
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nn1`),
  "a length that is no number": (socket, status) =>
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: two\r\n\r\nn1`),
  "a negative length": (socket, status) => socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: -2\r\n\r\nn1`),
  "a length beyond all numbers": (socket, status) =>
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: 99999999999999999999999\r\n\r\nn1`),
  "a length beside chunks": (socket, status) =>
    socket.write(
      `HTTP/1.1 ${status} OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nn1\r\n0\r\n\r\n`,
    ),
  "a chunk of no size": (socket, status) =>
    socket.write(`HTTP/1.1 ${status} OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nn1\r\n`),
  "chunks without their end": (socket, status) =>
    socket.end(`HTTP/1.1 ${status} OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nn1\r\n`),
  "a head of 40 kB": (socket, status) => socket.write(answer(status, "n1", `X: ${"x".repeat(40_000)}\r\n`)),
  "a head without end": (socket, status) => {
    socket.write(`HTTP/1.1 ${status} OK\r\n`);
    flood(socket, `X: ${"x".repeat(1000)}\r\n`);
  },
  "a body of a megabyte": (socket, status) => socket.write(answer(status, "n1".repeat(512 * 1024))),
  "a body without end": (socket, status) => {
    socket.write(`HTTP/1.1 ${status} OK\r\n\r\n`);
    flood(socket, "n1".repeat(10_000));
  },
  "informational answers without end": (socket) => flood(socket, "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100)),
  "a byte every 20 ms": (socket, status) => drip(socket, answer(status, "n1", `X: ${"x".repeat(100)}\r\n`), 20),
  "a body without a head": (socket) => socket.end("n1"),
  "another protocol": (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"),
  "another version of HTTP": (socket, status) => socket.write(`HTTP/2 ${status} OK\r\nContent-Length: 0\r\n\r\n`),
  "a status that is a word": (socket) => socket.write("HTTP/1.1 Created\r\nContent-Length: 0\r\n\r\n"),
  "zeros in its head": (socket, status) => socket.write(answer(status, "n1", "X: \0\0\r\n")),
  "random bytes": (socket) => socket.write(Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 151) % 256))),
};

/** Answers that are whole, in some unusual way. */
const whole: Record<string, Say> = {
  "in single bytes": (socket, status) => drip(socket, answer(status, "n1"), 1),
  "after an informational one": (socket, status) =>
    socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${answer(status, "n1")}`),
  "and then the end": (socket, status) => socket.end(answer(status, "n1")),
  "and then a cut": (socket, status) => {
    socket.write(answer(status, "n1"), () => setTimeout(() => socket.destroy(), 50));
  },
  "in chunks": (socket, status) =>
    socket.write(`HTTP/1.1 ${status} OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nn\r\n1\r\n1\r\n0\r\n\r\n`),
};

/** The questions whose answers decide, with the status that a careless reader would take for the decision. */
const decisive: [string, Question, number][] = (
  [
    ["the MOVE", 201],
    ["the owner", 200],
    ["whether it was released", 404],
    ["the release", 201],
    ["staging again, the owner", 201],
  ] as const
).map(([name, status]) => [name, questions[name] as Question, status]);

async function putAll(question: Question, status: number, answers: Record<string, Say>) {
  const ready: { name: string; say: Say; interview: Interview }[] = [];
  for (const [name, say] of Object.entries(answers))
    ready.push({ name, say, interview: await Interview.about(question, certificates, pki) });
  return Promise.all(
    ready.map(async ({ name, say, interview }) => {
      const ended = await interview.run((socket) => say(socket, status));
      interview.close();
      return { name, ended };
    }),
  );
}

describe.each(decisive)("asked for %s", (_, question, status) => {
  test("an answer that is broken is undecided, within the limit, and leaves nothing open", async () => {
    await putAll(question, status, { nothing: (socket) => socket.end() });
    const before = openFiles();
    for (const { name, ended } of await putAll(question, status, broken)) {
      expect(ended, name).toMatchObject({ verdict: "undecided", key: { k: 0 } });
      expect(ended.tookMs, name).toBeLessThan(LIMIT_MS + SLACK_MS);
    }
    await expect.poll(() => openFiles(), { timeout: 20_000 }).toBeLessThanOrEqual(before);
  });
});

test("an answer that is whole decides, however it comes", async () => {
  for (const [name, question, status] of decisive.slice(0, 2)) {
    for (const { name: how, ended } of await putAll(question, status, whole)) {
      expect(ended.verdict, `${name}, ${how}`).toBe("won");
    }
  }
});

test.each([
  0, 30,
])("an answer that nobody asked for, %i ms after another, is not taken for the next one", async (pauseMs) => {
  const server = await ScriptedWitness.start(certificates);
  const claimant = new Claimant({ node: "n1", sibling: "n2", incarnation: "0", port: server.port, pki });
  const key = { incarnation: "0", gen: "68798EAEE4968C1A", k: 0 };
  server.script = (socket, { method }) => {
    if (method !== "GET") return;
    socket.write(answer(200, "n1"));
    setTimeout(() => socket.write(answer(201)), pauseMs);
  };
  expect(await claimant.client.ask({ verb: "owner", key })).toEqual({ status: 200, body: "n1" });
  await sleep(pauseMs + 50);
  expect(await claimant.client.ask({ verb: "release", key })).toBe("silence");
  claimant.close();
  server.close();
});
