import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveSocket } from "../../components/arbiter/agent/linux/socket.ts";
import type { Verdict } from "../../components/arbiter/agent/world.ts";

let folder: string;
let path: string;
let server: Server;
let confirmed: string[];
let asked: { mode: string; answer: (verdict: Verdict) => void; gone: boolean }[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tandem-socket-"));
  path = join(folder, "agent.sock");
  asked = [];
  confirmed = [];
  await serve();
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

async function serve(): Promise<void> {
  server = serveSocket(path, {
    ask: (mode, answer) => {
      const question = { mode, answer, gone: false };
      asked.push(question);
      return {
        gone: () => {
          question.gone = true;
        },
      };
    },
    status: async () => ({ node: "n1" }),
    override: async () => ({ objections: [] }),
    confirmOverride: async (site) => {
      confirmed.push(site);
      return site === "shop" ? [] : ["not this site"];
    },
  });
  await once(server, "listening");
}

/** As fence-peer.sh asks. */
const fence = (mode: string, maxSeconds: string) => [
  ...["--silent", "--fail", "--max-time", maxSeconds, "--request", "POST"],
  ...["--unix-socket", path, `http://agent/fence?mode=${mode}`],
];
const curl = (args: string[]) => promisify(execFile)("curl", args).then(({ stdout }) => stdout);

async function question(index = 0) {
  for (let left = 100; left > 0 && asked.length <= index; left--) await sleep(20);
  const found = asked[index];
  if (found === undefined) throw new Error("nobody asked");
  return found;
}

test.each(["won", "lost", "undecided"] as const)("the handler hears the exact word %s", async (verdict) => {
  const answer = curl(fence("promotion", "3"));
  (await question()).answer(verdict);
  expect(await answer).toBe(verdict);
  expect(asked).toEqual([expect.objectContaining({ mode: "promotion", gone: false })]);
});

test("a frozen Primary's question stays open until it is decided", async () => {
  const answer = curl(fence("primary", "5"));
  const asking = await question();
  await sleep(700);
  asking.answer("won");
  expect(await answer).toBe("won");
});

test("a handler that goes away is told of, and its answer goes nowhere", async () => {
  await expect(curl(fence("primary", "0.3"))).rejects.toMatchObject({ code: 28 });
  const asking = await question();
  for (let left = 50; left > 0 && !asking.gone; left--) await sleep(20);
  expect(asking.gone).toBe(true);
  asking.answer("won");
});

test("an agent that ends while a handler asks gives it no word", async () => {
  const handler = spawn("curl", fence("primary", "5"), { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  handler.stdout.on("data", (chunk) => {
    said += chunk;
  });
  await question();
  server.closeAllConnections();
  const [code] = await once(handler, "exit");
  expect(code).not.toBe(0);
  expect(said).toBe("");
});

test("a socket that an agent left behind is replaced", async () => {
  server.close();
  await serve();
  expect(await curl(["--silent", "--unix-socket", path, "http://agent/status"])).toBe('{"node":"n1"}\n');
});

test("only root may open it", () => {
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test.each([
  "http://agent/fence?mode=maybe",
  "http://agent/fence",
  "http://agent/other",
])("%s is refused and asks nobody", async (url) => {
  await expect(curl(["--silent", "--fail", "--request", "POST", "--unix-socket", path, url])).rejects.toMatchObject({
    code: 22,
  });
  expect(asked).toEqual([]);
});

test("the operator's word is passed on as it was typed, and the answer is what is against it", async () => {
  const post = (site: string) =>
    curl(["--silent", "--request", "POST", "--unix-socket", path, `http://agent/override?site=${site}`]);
  expect(await post("shop")).toBe("[]\n");
  expect(await post("n%201")).toBe('["not this site"]\n');
  expect(confirmed).toEqual(["shop", "n 1"]);
  expect(await curl(["--silent", "--unix-socket", path, "http://agent/override"])).toBe('{"objections":[]}\n');
  expect(confirmed).toHaveLength(2);
});
