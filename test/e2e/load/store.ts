import type { Answer, Gateway } from "./gateway.ts";
import { type Closing, logKey, pairKeys, registerKey } from "./operation.ts";

type Key = { key: string };
type Range = { key: string; range_end: string };

interface KeyValue {
  key: string;
  value: string;
  mod_revision: string;
}

interface Body {
  header?: { revision?: string };
  kvs?: KeyValue[];
  succeeded?: boolean;
  responses?: { response_range?: Body }[];
  result?: { events?: { kv: KeyValue }[] };
}

/** An answer with the store's revision, which only an `ok` one has. */
export type Told<T = unknown> = Omit<Answer, "body"> & { revision?: number } & T;

/** Keys of one run and the requests of etcd's JSON gateway that use them; bytes are base64 there. */
export class Store {
  private readonly prefix: string;

  constructor(run: string) {
    this.prefix = `/tandem-load/${run}/`;
  }

  async put(gateway: Gateway, writer: string, sequence: number, timeoutMs: number): Promise<Told> {
    const request = { ...this.key(logKey(writer, sequence)), value: base64(String(sequence)) };
    return told(await gateway.call("/v3/kv/put", request, timeoutMs));
  }

  /** The newest sequence of a log in `ok` answers, 0 of an empty one. */
  async newest(gateway: Gateway, writer: string, timeoutMs: number): Promise<Told<{ sequence: number }>> {
    const answer = await gateway.call("/v3/kv/range", { ...this.under(`log/${writer}/`), limit: 1 }, timeoutMs);
    return { ...told(answer), sequence: Number(valuesOf(answer.body)[0] ?? 0) };
  }

  /** Sets the register and the pair, unless that was done: one that comes late changes nothing. */
  async begin(gateway: Gateway, value: string, timeoutMs: number): Promise<Told> {
    const compare = [{ ...this.key(registerKey), target: "VERSION", result: "EQUAL", version: "0" }];
    const success = [registerKey, ...pairKeys].map((key) => this.putRequest(key, value));
    return told(await gateway.call("/v3/kv/txn", { compare, success }, timeoutMs));
  }

  async readRegister(gateway: Gateway, timeoutMs: number): Promise<Told<{ value: string }>> {
    const answer = await gateway.call("/v3/kv/range", this.key(registerKey), timeoutMs);
    return { ...told(answer), value: valuesOf(answer.body)[0] ?? "" };
  }

  /** An `ok` answer with `found` is a refused change that tells the present value. */
  async compareAndSwap(gateway: Gateway, expected: string, value: string, timeoutMs: number) {
    const request = {
      compare: [{ ...this.key(registerKey), target: "VALUE", result: "EQUAL", value: base64(expected) }],
      success: [this.putRequest(registerKey, value)],
      failure: [this.rangeRequest(registerKey)],
    };
    const answer = await gateway.call("/v3/kv/txn", request, timeoutMs);
    const refused = answer.outcome === "ok" && !(answer.body as Body).succeeded;
    return { ...told(answer), found: refused ? valuesOf(responsesOf(answer.body)[0])[0] : undefined };
  }

  async swap(gateway: Gateway, value: string, timeoutMs: number): Promise<Told<{ found: [string, string] }>> {
    const [left, right] = pairKeys;
    const reads = [this.rangeRequest(left), this.rangeRequest(right)];
    const success = [...reads, this.putRequest(left, value), this.putRequest(right, value)];
    const answer = await gateway.call("/v3/kv/txn", { success }, timeoutMs);
    const [first, second] = responsesOf(answer.body).map((one) => valuesOf(one)[0] ?? "");
    return { ...told(answer), found: [first ?? "", second ?? ""] };
  }

  /** Everything of this run at one moment; undefined unless the answer was `ok`. */
  async everything(gateway: Gateway, writers: readonly string[], timeoutMs: number) {
    const answer = await gateway.call("/v3/kv/range", this.under(""), timeoutMs);
    if (answer.outcome !== "ok") return undefined;
    const { kvs = [] } = answer.body as Body;
    const values = new Map(kvs.map(({ key, value }) => [this.nameOf(key), text(value)]));
    const log = (writer: string) =>
      [...values].filter(([key]) => key.startsWith(`log/${writer}/`)).map(([, value]) => Number(value));
    const [left, right] = pairKeys.map((key) => values.get(key) ?? "");
    return {
      revision: revisionOf(answer.body) as number,
      lastChange: Math.max(0, ...kvs.map((one) => Number(one.mod_revision))),
      logs: Object.fromEntries(writers.map((writer) => [writer, log(writer)])),
      register: values.get(registerKey) ?? "",
      pair: [left ?? "", right ?? ""],
    } satisfies Partial<Closing>;
  }

  /** The request that watches all keys of this run. */
  watchRequest(fromRevision: number): unknown {
    return { create_request: { ...this.under(""), start_revision: String(fromRevision) } };
  }

  /** The events of one message of that watch; undefined of one that is no message of a healthy watch. */
  eventsOf(line: unknown): { revision: number; key: string; value: string }[] | undefined {
    const { result } = line as Body & { result?: { canceled?: boolean } };
    if (!result || result.canceled) return undefined;
    return (result.events ?? []).map(({ kv }) => ({
      revision: Number(kv.mod_revision),
      key: this.nameOf(kv.key),
      value: text(kv.value ?? ""),
    }));
  }

  remove(gateway: Gateway, timeoutMs: number): Promise<Answer> {
    return gateway.call("/v3/kv/deleterange", this.under(""), timeoutMs);
  }

  private key(name: string): Key {
    return { key: base64(this.prefix + name) };
  }

  /** All keys that begin with the name, which is empty or ends with "/": "0" is the character after that. */
  private under(name: string): Range {
    const from = this.prefix + name;
    return { key: base64(from), range_end: base64(`${from.slice(0, -1)}0`) };
  }

  private nameOf(key: string): string {
    return text(key).slice(this.prefix.length);
  }

  private putRequest(name: string, value: string) {
    return { request_put: { ...this.key(name), value: base64(value) } };
  }

  private rangeRequest(name: string) {
    return { request_range: this.key(name) };
  }
}

function told({ body, ...answer }: Answer): Told {
  const revision = answer.outcome === "ok" ? revisionOf(body) : undefined;
  return revision === undefined ? answer : { ...answer, revision };
}

function revisionOf(body: unknown): number | undefined {
  const revision = (body as Body | undefined)?.header?.revision;
  return revision === undefined ? undefined : Number(revision);
}

function responsesOf(body: unknown): Body[] {
  const { responses = [] } = (body ?? {}) as Body;
  return responses.flatMap(({ response_range }) => response_range ?? []);
}

function valuesOf(body: unknown): string[] {
  const { kvs = [] } = (body ?? {}) as Body;
  return kvs.map(({ value }) => text(value));
}

function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}

function text(bytes: string): string {
  return Buffer.from(bytes, "base64").toString();
}
