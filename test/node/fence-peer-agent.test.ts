import { once } from "node:events";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { serveSocket } from "../../components/arbiter/agent/linux/socket.ts";
import type { Verdict } from "../../components/arbiter/agent/world.ts";
import { Dice } from "./dice.ts";
import { Handler, inParallel } from "./handler.ts";
import { type Drbd, Sandbox } from "./sandbox.ts";

const SCENARIOS = Number(process.env.TANDEM_HANDLERS ?? 60);
const SEED = Number(process.env.TANDEM_SEED ?? Date.now() % 1_000_000);
const AT_ONCE = 10;

const promoting: Drbd = { disk: "UpToDate" };
const frozen: Drbd = { role: "Primary", suspended: "fencing" };

type Question = { answer(verdict: Verdict): void; gone: boolean };

/** The agent's end of the socket: the real server, killed and started again, or something that is none. */
class Agent {
  readonly #path: string;
  #real: ReturnType<typeof serveSocket> | null = null;
  #raw: Server | null = null;
  readonly #sockets = new Set<Socket>();

  constructor(sandbox: Sandbox) {
    mkdirSync(join(sandbox.root, "run/tandem"), { recursive: true });
    this.#path = join(sandbox.root, "run/tandem/agent.sock");
  }

  async start(asked: (question: Question) => void): Promise<void> {
    this.kill();
    this.#real = serveSocket(this.#path, {
      ask: (_, answer) => {
        const question = { answer, gone: false };
        asked(question);
        return {
          gone: () => {
            question.gone = true;
          },
        };
      },
      status: async () => ({}),
      override: async () => ({}),
      confirmOverride: async () => [],
    });
    await once(this.#real, "listening");
  }

  /** @param reply written to every question, which then ends */
  async pretend(reply: (socket: Socket) => void): Promise<void> {
    this.kill();
    rmSync(this.#path, { force: true });
    this.#raw = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {}).once("data", () => reply(socket));
    });
    this.#raw.listen(this.#path);
    await once(this.#raw, "listening");
  }

  /** Its connections break off, and its socket stays behind. */
  kill(): void {
    const aside = `${this.#path}.aside`;
    if (this.#real === null && this.#raw === null) return;
    renameSync(this.#path, aside);
    for (const socket of this.#sockets) socket.destroy();
    this.#real?.closeAllConnections();
    this.#real?.close();
    this.#raw?.close();
    this.#real = null;
    this.#raw = null;
    renameSync(aside, this.#path);
  }
}

const http = (status: number, body: string, length = body.length) =>
  `HTTP/1.1 ${status} OK\r\nContent-Length: ${length}\r\n\r\n${body}`;

/** What must never count, with the word that would be taken from it. */
const hostile: readonly ((word: string) => (socket: Socket) => void)[] = [
  () => (socket) => socket.end(),
  () => (socket) => socket.destroy(),
  () => () => {},
  (word) => (socket) => socket.end(http(500, word)),
  (word) => (socket) => socket.end(http(400, word)),
  (word) => (socket) => socket.end(http(200, word, word.length + 1)),
  (word) => (socket) => socket.write(http(200, word, word.length + 1)),
  (word) => (socket) => socket.end(http(200, `${word} `)),
  (word) => (socket) => socket.end(http(200, `${word}${word}`)),
  (word) => (socket) => socket.end(word),
  (word) => (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${word.length}\r\n${word}\r\n`),
  (word) => (socket) => socket.end(`HTTP/1.1 100 Continue\r\n\r\n${word}`),
  (word) => (socket) => socket.end(`\u0000\u0001\u0002${word}`),
  (word) => (socket) => socket.end(http(200, word.toUpperCase())),
  () => (socket) => socket.end(http(200, "undecided")),
];

/** One handler with an agent of its own. */
async function scenario(
  line: "8.4" | "9",
  state: Drbd,
  play: (handler: Handler, agent: Agent, sandbox: Sandbox) => Promise<void>,
  prepare: (agent: Agent) => Promise<void> = async () => {},
): Promise<{ code: number | null; tookMs: number }> {
  const sandbox = new Sandbox();
  sandbox.kernel(line, state);
  const agent = new Agent(sandbox);
  await prepare(agent);
  const begun = performance.now();
  const handler = new Handler(sandbox);
  try {
    await play(handler, agent, sandbox);
    const code = await handler.code;
    return { code, tookMs: performance.now() - begun };
  } finally {
    handler.end();
    agent.kill();
    sandbox.dispose();
  }
}

test("an answer of the agent that breaks off at any byte is undecided", async () => {
  const whole =
    "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\nConnection: close\r\nContent-Length: 3\r\n\r\nwon";
  const lengths = Array.from({ length: whole.length + 1 }, (_, index) => index);
  await inParallel(lengths, AT_ONCE, async (length) => {
    const { code } = await scenario(
      length % 2 === 0 ? "8.4" : "9",
      promoting,
      async () => {},
      (agent) => agent.pretend((socket) => socket.end(whole.slice(0, length))),
    );
    expect(code, whole.slice(0, length)).toBe(length === whole.length ? 4 : 1);
  });
});

test("in a promotion nothing but the agent's answer decides, within the limit", async () => {
  const words = hostile.flatMap((reply) => ["won", "lost"].map((word) => reply(word)));
  await inParallel(words, AT_ONCE, async (reply) => {
    const { code, tookMs } = await scenario(
      "8.4",
      promoting,
      async () => {},
      (agent) => agent.pretend(reply),
    );
    expect(code, `${reply}`).toBe(1);
    expect(tookMs).toBeLessThan(12_000);
  });
});

test(`whatever happens to the agent, a frozen Primary's handler ends with its word; ${SCENARIOS} courses, seed ${SEED}`, async () => {
  const numbers = Array.from({ length: SCENARIOS }, (_, number) => number);
  await inParallel(numbers, AT_ONCE, async (number) => {
    const dice = new Dice(SEED * 1000 + number);
    const [verdict, other] = dice.of(["won", "lost"] as const, ["lost", "won"] as const);
    const line = dice.of("8.4", "9");
    const late: Question[] = [];
    const steps: string[] = [];
    let said = false;
    const stateChanges = dice.chance(0.2);

    const result = await scenario(line, frozen, async (handler, agent, sandbox) => {
      for (let step = dice.below(5); step > 0 && !handler.ended; step--) {
        const what = dice.of("killed", "hostile", "silent", "undecided");
        steps.push(what);
        if (what === "killed") agent.kill();
        if (what === "hostile") await agent.pretend(dice.of(...hostile)(other));
        if (what === "silent") await agent.start((question) => late.push(question));
        if (what === "undecided") await agent.start((question) => setTimeout(() => question.answer("undecided"), 20));
        await sleep(dice.below(900));
        // The answer to a question that nobody waits for any more.
        agent.kill();
        await sleep(dice.below(50));
        for (const question of late) if (question.gone) question.answer(other);
      }
      if (stateChanges) {
        sandbox.kernel(line, { role: "Primary", connection: "Connected" });
        await sleep(dice.below(300));
      }
      await agent.start((question) => {
        said = true;
        setTimeout(() => question.answer(verdict), dice.below(200));
      });
    });
    const expected = verdict === "won" ? 4 : 6;
    const course = `${steps.join(", ")}${stateChanges ? ", connected" : ""}; then ${verdict}`;
    if (stateChanges) expect(said ? [1, expected] : [1], course).toContain(result.code);
    else expect(result.code, course).toBe(expected);
    expect(result.tookMs).toBeLessThan(20_000);
  });
});
