import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { isIP } from "node:net";
import { join } from "node:path";
import type { WitnessSettings } from "../settings.ts";
import type { ClaimKey, WitnessAnswer, WitnessRequest } from "../world.ts";

const LIMIT_MS = 1000;
const BODY_LIMIT = 256 * 1024;
const TOKEN = /^[A-Za-z0-9-]{1,64}$/;

interface Exchange {
  method: "GET" | "PUT" | "MKCOL" | "MOVE" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Asks the witness over connections that are kept open: a claim on one takes a few ms, a new one several times that. */
export class WitnessClient {
  readonly #site: string;
  readonly #node: string;
  readonly #base: URL;
  readonly #host: string;
  readonly #agent: Agent;
  /** Staged folders that were seen with their owner inside. */
  readonly #staged = new Set<string>();

  constructor(options: { site: string; node: string; witness: WitnessSettings; pki: string }) {
    const { witness, pki } = options;
    this.#site = options.site;
    this.#node = options.node;
    this.#base = new URL(witness.url);
    this.#host = witness.servername ?? this.#base.host;
    this.#agent = new Agent({
      keepAlive: true,
      // One may hang in a question that no longer matters; the next must not wait for it.
      maxSockets: 3,
      maxFreeSockets: 2,
      scheduling: "lifo",
      servername: witness.servername ?? nameIn(witness.url),
      ca: readFileSync(join(pki, witness.ca)),
      cert: readFileSync(join(pki, "witness-client.crt")),
      key: readFileSync(join(pki, "witness-client.key")),
      minVersion: "TLSv1.2",
    });
  }

  async ask(question: WitnessRequest): Promise<WitnessAnswer> {
    switch (question.verb) {
      case "incarnation":
        return this.#incarnation();
      case "stage":
        return this.#stage(question.key);
      case "move":
        return this.#move(question.key);
      case "owner":
      case "released":
        return this.#read(`${this.#claim(question.key)}${question.verb}`);
      case "release":
        return this.#exchange({ method: "PUT", path: `${this.#claim(question.key)}released`, body: this.#node });
      case "collect":
        return this.#collect(question.incarnation, question.past);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #incarnation(): Promise<WitnessAnswer> {
    const answer = await this.#read(`${this.#root}incarnation`);
    if (answer === "silence" || answer.status !== 200) return answer;
    // Something else answers in the witness's place: nothing is known.
    return TOKEN.test(answer.body) ? answer : "silence";
  }

  async #stage(key: ClaimKey): Promise<WitnessAnswer> {
    const folder = this.#staging(key);
    const made = await this.#exchange({ method: "MKCOL", path: folder });
    if (made === "silence" || (made.status !== 201 && made.status !== 405)) return made;
    const put = await this.#exchange({ method: "PUT", path: `${folder}owner`, body: this.#node });
    if (put === "silence" || (put.status !== 201 && put.status !== 204)) return put;
    this.#staged.add(folder);
    return { status: 201, body: "" };
  }

  /** A folder without its owner inside would be a claim that nobody can ever decide: it is not moved, but staged again. */
  async #move(key: ClaimKey): Promise<WitnessAnswer> {
    const folder = this.#staging(key);
    if (!this.#staged.has(folder)) {
      const owner = await this.#read(`${folder}owner`);
      if (owner === "silence") return owner;
      if (owner.status !== 200 || owner.body !== this.#node) return { status: 404, body: "" };
      this.#staged.add(folder);
    }
    const destination = `https://${this.#host}${this.#claim(key)}`;
    const answer = await this.#exchange({
      method: "MOVE",
      path: folder,
      headers: { Destination: destination, Overwrite: "F" },
    });
    if (answer === "silence" || answer.status !== 412) this.#staged.delete(folder);
    return answer;
  }

  /** Deletes the folders of these generations, and of no other. */
  async #collect(incarnation: string, past: readonly string[]): Promise<WitnessAnswer> {
    const tree = `${this.#root}${incarnation}/`;
    for (const [folder, prefix] of [
      ["claims", ""],
      ["staging", `${this.#node}-`],
    ] as const) {
      const listed = await this.#read(`${tree}${folder}/`);
      if (listed === "silence" || listed.status !== 200) return listed;
      for (const name of names(listed.body)) {
        const generation = new RegExp(`^${prefix}([0-9A-F]{16})\\.\\d+$`).exec(name)?.[1];
        if (generation === undefined || !past.includes(generation)) continue;
        const path = `${tree}${folder}/${name}/`;
        this.#staged.delete(path);
        const gone = await this.#exchange({ method: "DELETE", path });
        if (gone === "silence" || (gone.status !== 204 && gone.status !== 404)) return gone;
      }
    }
    return { status: 204, body: "" };
  }

  get #root(): string {
    return `${this.#base.pathname.replace(/\/$/, "")}/${this.#site}/`;
  }

  #claim(key: ClaimKey): string {
    return `${this.#root}${key.incarnation}/claims/${key.gen}.${key.k}/`;
  }

  #staging(key: ClaimKey): string {
    return `${this.#root}${key.incarnation}/staging/${this.#node}-${key.gen}.${key.k}/`;
  }

  /** A question that only reads may be repeated when the kept connection turns out to have been closed meanwhile. */
  async #read(path: string): Promise<WitnessAnswer> {
    const first = await this.#attempt({ method: "GET", path });
    const answer = first === "stale" ? await this.#attempt({ method: "GET", path }) : first;
    if (answer === "stale" || answer === "silence") return "silence";
    return { status: answer.status, body: answer.body.trim() };
  }

  async #exchange(exchange: Exchange): Promise<WitnessAnswer> {
    const answer = await this.#attempt(exchange);
    return answer === "stale" ? "silence" : answer;
  }

  #attempt(exchange: Exchange): Promise<WitnessAnswer | "stale"> {
    const { method, path, headers, body } = exchange;
    return new Promise((resolve) => {
      const asked = request({
        agent: this.#agent,
        host: this.#base.hostname,
        port: this.#base.port || 443,
        method,
        path,
        headers: {
          Host: this.#host,
          ...headers,
          ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
        },
      });
      const finish = (answer: WitnessAnswer | "stale") => {
        clearTimeout(timer);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        asked.destroy();
        finish("silence");
      }, LIMIT_MS);
      asked.on("error", () => finish(asked.reusedSocket ? "stale" : "silence"));
      asked.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > BODY_LIMIT) asked.destroy(new Error("too long"));
        });
        response.on("error", () => finish("silence"));
        response.on("end", () =>
          finish(response.complete ? { status: response.statusCode ?? 0, body: text } : "silence"),
        );
      });
      asked.end(body);
    });
  }
}

/** The names in nginx's folder listing as JSON; none if it is something else. */
function names(json: string): string[] {
  try {
    const entries = JSON.parse(json) as { name?: unknown }[];
    return entries.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
  } catch {
    return [];
  }
}

/** TLS asks for names only; an address is compared with the certificate all the same. */
export function nameIn(url: string): string {
  const { hostname } = new URL(url);
  return isIP(hostname) === 0 ? hostname : "";
}
