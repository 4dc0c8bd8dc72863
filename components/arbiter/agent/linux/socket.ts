import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AskMode, Verdict } from "../world.ts";

export interface LocalQuestions {
  /** The fence-peer handler asks. `answer` may be called once, at any time; never, if nothing is decided. */
  ask(mode: AskMode, answer: (verdict: Verdict) => void): { gone(): void };
  status(): Promise<unknown>;
  /** What an override of the protocol would be, and what is against it. */
  override(): Promise<unknown>;
  /** The operator has typed the site's name. @returns what is against it; empty when it is noted durably */
  confirmOverride(site: string): Promise<string[]>;
}

/**
 * Programs on this node ask here: an HTTP server on a socket that only root may open. A question of a frozen Primary's
 * handler stays open until there is a verdict, for as long as that takes.
 */
export function serveSocket(path: string, questions: LocalQuestions): Server {
  const server = createServer({ requestTimeout: 0, headersTimeout: 5000 }, (request, response) => {
    handle(request, response, questions).catch((error: Error) => reply(response, 500, `${error.message}\n`));
  });
  // A socket of an agent that was killed; two agents cannot run, systemd starts one.
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  server.listen(path);
  process.umask(before);
  return server;
}

async function handle(request: IncomingMessage, response: ServerResponse, questions: LocalQuestions): Promise<void> {
  const url = new URL(request.url ?? "/", "http://agent");
  if (request.method === "GET" && url.pathname === "/status") return tell(response, await questions.status());
  if (request.method === "GET" && url.pathname === "/override") return tell(response, await questions.override());
  if (request.method === "POST" && url.pathname === "/override") {
    const site = url.searchParams.get("site") ?? "";
    return tell(response, await questions.confirmOverride(site));
  }
  if (request.method === "POST" && url.pathname === "/fence") {
    const mode = url.searchParams.get("mode");
    if (mode !== "primary" && mode !== "promotion") {
      reply(response, 400, `mode is ${mode}; allowed is primary, promotion\n`);
      return;
    }
    let answered = false;
    const asked = questions.ask(mode, (verdict) => {
      answered = true;
      reply(response, 200, verdict);
    });
    response.on("close", () => {
      if (!answered) asked.gone();
    });
    return;
  }
  reply(
    response,
    404,
    "ask POST /fence?mode=primary|promotion, GET /status, GET /override or POST /override?site=...\n",
  );
}

function tell(response: ServerResponse, value: unknown): void {
  response.setHeader("Content-Type", "application/json");
  reply(response, 200, `${JSON.stringify(value)}\n`);
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.end(body);
}
