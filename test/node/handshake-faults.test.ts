import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Dice } from "./dice.ts";
import { type Fault, FaultProxy } from "./fault-proxy.ts";
import { inParallel } from "./handler.ts";
import { openFiles } from "./open-files.ts";
import { Answerer, asker, helloOf } from "./siblings.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

const ROUNDS = Number(process.env.TANDEM_HANDSHAKES ?? 1000);
const SEED = Number(process.env.TANDEM_SEED ?? Date.now() % 1_000_000);
/** Either end's limit for a whole exchange, and what two busy cores may add. */
const LIMIT_MS = 2000;
const SLACK_MS = 5000;

let certificates: SiteCertificates;
let n1: string;
let n2: string;
let answerer: Answerer;
let ends: { close(): void }[];

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  n1 = await certificates.node("n1");
  n2 = await certificates.node("n2");
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  answerer = new Answerer(await freePort(), n2);
  ends = [answerer];
});
afterEach(() => {
  for (const end of ends) end.close();
});

async function proxy(fault: Fault | null): Promise<FaultProxy> {
  const made = await FaultProxy.to(answerer.port);
  made.plan = () => fault;
  ends.push(made);
  return made;
}

/** A question that no other is like, and the answer that belongs to it. */
const question = (number: number) => helloOf("n1", { disarmed: [`note-${number}`] });
const belongs = (number: number) => ({ hello: helloOf("n2", { echo: [`note-${number}`] }) });

async function ask(port: number, number: number) {
  const begun = performance.now();
  const answer = await asker(port, n1).ask(question(number));
  return { answer, tookMs: performance.now() - begun };
}

test("an exchange that breaks off, hangs or is disturbed at any byte: the whole answer to this question or none", async () => {
  const faults = (["close", "reset", "half", "mute", "garbage"] as const).flatMap((how) =>
    (["up", "down"] as const).flatMap((way) =>
      Array.from({ length: 44 }, (_, step): Fault => ({ way, after: step * 101 + (step % 7), how })),
    ),
  );
  const answers = { whole: 0, none: 0 };
  await inParallel(
    faults.map((fault, number) => ({ fault, number })),
    40,
    async ({ fault, number }) => {
      const path = await proxy(fault);
      const { answer, tookMs } = await ask(path.port, number);
      path.close();
      if ("hello" in answer) expect(answer, JSON.stringify(fault)).toEqual(belongs(number));
      answers["hello" in answer ? "whole" : "none"]++;
      expect(tookMs, JSON.stringify(fault)).toBeLessThan(LIMIT_MS + SLACK_MS);
    },
  );
  // Half a question asks nothing, and none is asked twice.
  const asked = answerer.greeted.map(({ disarmed }) => disarmed[0]);
  expect(new Set(asked).size).toBe(asked.length);
  for (const greeted of answerer.greeted) expect(greeted).toEqual(helloOf("n1", { disarmed: greeted.disarmed }));
  expect(answers.whole).toBeGreaterThan(10);
  expect(answers.none).toBeGreaterThan(100);
});

test("an exchange whose bytes drag on is over within the limit, at both ends", async () => {
  const paths = await Promise.all(
    (["up", "down"] as const).map((way) => proxy({ way, after: 0, how: "crawl", pauseMs: 10 })),
  );
  for (const { answer, tookMs } of await Promise.all(paths.map((path, number) => ask(path.port, number)))) {
    expect(answer).toHaveProperty("failure");
    expect(tookMs).toBeLessThan(LIMIT_MS + SLACK_MS);
  }
  expect(answerer.greeted).toEqual([]);
  await expect.poll(() => paths.every(({ open }) => open === 0), { timeout: LIMIT_MS + SLACK_MS }).toBe(true);
});

test("an answer that is never given, or later than the asker waits, goes nowhere; the next question is answered", async () => {
  const late: (() => void)[] = [];
  const answer = answerer.answer;
  answerer.answer = (asked, reply) => {
    if (asked.disarmed[0] === "note-1") late.push(() => reply(helloOf("n2", { echo: ["note-1"] })));
  };
  for (const { answer } of await Promise.all([1, 2].map((number) => ask(answerer.port, number)))) {
    expect(answer).toEqual({ failure: `no answer within ${LIMIT_MS} ms` });
  }
  answerer.answer = answer;
  for (const say of late) say();
  expect((await ask(answerer.port, 3)).answer).toEqual(belongs(3));
});

test("a node that has shown its certificate and then asks nothing, or drags it on, is cut off within the limit", async () => {
  const file = (name: string) => readFileSync(join(n1, name));
  const own = { ca: file("site-ca.crt"), cert: file("agent.crt"), key: file("agent.key") };
  const long = JSON.stringify(question(1));
  const slow = [() => "", () => " ", (at: number) => long.charAt(at)].map(async (next) => {
    const options = { port: answerer.port, host: "127.0.0.1", ...own, checkServerIdentity: () => undefined };
    const socket = connectTls(options).on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await once(socket, "secureConnect");
    socket.resume();
    const begun = performance.now();
    let at = 0;
    const timer = setInterval(() => socket.write(next(at++)), 20);
    await closed;
    clearInterval(timer);
    expect(performance.now() - begun).toBeLessThan(LIMIT_MS + SLACK_MS);
  });
  await Promise.all(slow);
  expect(answerer.greeted).toEqual([]);
});

/** Everything that one end has said in an exchange, taken down on the way. */
async function recorded(): Promise<{ up: Buffer; down: Buffer }> {
  const said = { up: [] as Buffer[], down: [] as Buffer[] };
  const path = await proxy(null);
  path.listen = (way, chunk) => said[way].push(Buffer.from(chunk));
  expect((await ask(path.port, 0)).answer).toEqual(belongs(0));
  return { up: Buffer.concat(said.up), down: Buffer.concat(said.down) };
}

test("a question that was taken down and is put again asks nothing", async () => {
  const { up } = await recorded();
  expect(up.length).toBeGreaterThan(1000);
  // All at once, and in the pieces in which it was said.
  for (const piece of [up.length, 200, 50]) {
    const socket = connect(answerer.port, "127.0.0.1").on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    for (let at = 0; at < up.length && !socket.destroyed; at += piece) {
      socket.write(up.subarray(at, at + piece));
      await sleep(5);
    }
    await closed;
  }
  expect(answerer.greeted).toHaveLength(1);
});

test("an answer that was taken down and is given again is none", async () => {
  const { down } = await recorded();
  const again = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.write(down)));
  again.listen(0, "127.0.0.1");
  ends.push(again);
  await once(again, "listening");
  expect((await ask((again.address() as AddressInfo).port, 1)).answer).toHaveProperty("failure");
  expect(answerer.greeted).toHaveLength(1);
});

test("strangers who connect and say nothing keep the sibling out for no longer than the limit", async () => {
  const strangers = Array.from({ length: 40 }, (): Socket => connect(answerer.port, "127.0.0.1").on("error", () => {}));
  await sleep(200);
  const begun = performance.now();
  for (;;) {
    const { answer } = await ask(answerer.port, 1);
    if ("hello" in answer) break;
    expect(performance.now() - begun).toBeLessThan(LIMIT_MS + SLACK_MS);
    await sleep(100);
  }
  for (const stranger of strangers) stranger.destroy();
});

test(`${ROUNDS} exchanges, a third of them disturbed, leave nothing open; seed ${SEED}`, async () => {
  const path = await proxy(null);
  const client = asker(path.port, n1);
  await client.ask(question(0));
  const before = openFiles();
  const dice = new Dice(SEED);
  let answered = 0;
  await inParallel(
    Array.from({ length: ROUNDS }, (_, number) => number),
    8,
    async (number) => {
      const disturbed = dice.chance(0.33);
      path.plan = () =>
        disturbed
          ? { way: dice.of("up", "down"), after: dice.below(4000), how: dice.of("close", "reset", "half", "garbage") }
          : null;
      const answer = await client.ask(question(number));
      if (!("hello" in answer)) return;
      expect(answer).toEqual(belongs(number));
      answered++;
    },
  );
  expect(answered).toBeGreaterThan(ROUNDS / 3);
  expect(answered).toBeLessThan(ROUNDS);
  await expect.poll(() => openFiles(), { timeout: 20_000 }).toBeLessThanOrEqual(before);
});
