import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { Leader, Members } from "../world.ts";

const LIMIT_MS = 1000;
/** Raft gives a transfer up after one election timeout of the leader, and etcd answers seconds later: asking again is quicker. */
const TRANSFER_MS = 3000;

type Json = Readonly<Record<string, unknown>>;

/**
 * Asks etcd by the JSON form of its API. Member ids are 64-bit numbers written as decimal strings: they are compared,
 * never counted with.
 */
export class EtcdClient {
  readonly #agent: Agent;
  readonly #own: string;
  /** Member id -> name, once the members are known. */
  #names = new Map<string, Leader>();

  /** @param options.own URL of the regular member of this node */
  constructor(options: { own: string; pki: string }) {
    this.#own = options.own;
    const read = (name: string) => readFileSync(join(options.pki, name));
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 2,
      ca: read("etcd-ca.crt"),
      cert: read("etcd-client.crt"),
      key: read("etcd-client.key"),
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async members(): Promise<Members> {
    try {
      const status = await this.#post(this.#own, "/v3/maintenance/status", {});
      const leader = await this.#nameOf(id(status.leader));
      return { healthy: leader !== "none", leader, applied: Number(status.raftAppliedIndex ?? 0) };
    } catch {
      return { healthy: false, leader: "none", applied: 0 };
    }
  }

  /**
   * Hexadecimal id of the member that is asked.
   * @throws Error in words
   */
  async memberId(): Promise<string> {
    const { header } = await this.#post(this.#own, "/v3/maintenance/status", {});
    return BigInt(id((header as Json | undefined)?.member_id)).toString(16);
  }

  /**
   * Hands the leadership over to a regular member.
   * @param at where each member may be asked: only the one that leads can do it
   * @throws Error in words
   */
  async moveLeader(to: "E1" | "E2", at: Readonly<Record<Exclude<Leader, "none">, string>>): Promise<void> {
    const { leader } = await this.members();
    if (leader === to) return;
    if (leader === "none") throw new Error("there is no leader to move");
    // A machine that was replaced has a member of the same name and another id.
    await this.#learnNames();
    const target = [...this.#names].find(([, name]) => name === to)?.[0];
    if (target === undefined) throw new Error(`the members do not list ${to}`);
    await this.#post(at[leader], "/v3/maintenance/transfer-leadership", { targetID: target }, TRANSFER_MS);
  }

  async #nameOf(member: string): Promise<Leader> {
    if (member === "0") return "none";
    if (!this.#names.has(member)) await this.#learnNames();
    return this.#names.get(member) ?? "none";
  }

  async #learnNames(): Promise<void> {
    const listed = await this.#post(this.#own, "/v3/cluster/member/list", { linearizable: false });
    const members = (listed.members ?? []) as Json[];
    this.#names = new Map(members.flatMap((entry) => (isName(entry.name) ? [[id(entry.ID), entry.name]] : [])));
  }

  #post(url: string, path: string, question: Json, limitMs = LIMIT_MS): Promise<Json> {
    const body = JSON.stringify(question);
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, url), {
        agent: this.#agent,
        method: "POST",
        headers: { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) },
      });
      const limit = setTimeout(() => asked.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs);
      asked.on("close", () => clearTimeout(limit));
      asked.on("error", (error) => reject(new Error(`${url}${path}: ${error.message}`)));
      asked.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          try {
            if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text.slice(0, 200)}`);
            resolve(JSON.parse(text) as Json);
          } catch (error) {
            reject(new Error(`${url}${path}: ${(error as Error).message}`));
          }
        });
      });
      asked.end(body);
    });
  }
}

const id = (value: unknown): string => (typeof value === "string" ? value : "0");
const isName = (value: unknown): value is Exclude<Leader, "none"> => value === "E1" || value === "E2" || value === "T";
