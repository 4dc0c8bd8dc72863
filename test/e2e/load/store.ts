import type { Answer, Gateway } from "./gateway.ts";

const mostSequences = 9_999_999_999;

/** Keys of one run and the requests of etcd's JSON gateway that use them; bytes are base64 there. */
export class Store {
  private readonly prefix: string;

  constructor(run: string) {
    this.prefix = `/tandem-load/${run}/`;
  }

  put(gateway: Gateway, writer: string, sequence: number, timeoutMs: number): Promise<Answer> {
    // The newest key is the first: etcd reads only that one then, and not the whole log to sort it.
    const key = `${this.logOf(writer)}${String(mostSequences - sequence).padStart(10, "0")}`;
    return gateway.call("/v3/kv/put", { key: base64(key), value: base64(String(sequence)) }, timeoutMs);
  }

  /** The newest sequence of a log in `ok` answers, 0 of an empty one. */
  async newest(gateway: Gateway, writer: string, timeoutMs: number): Promise<Answer & { sequence: number }> {
    const answer = await gateway.call("/v3/kv/range", { ...range(this.logOf(writer)), limit: 1 }, timeoutMs);
    return { ...answer, sequence: Number(valuesOf(answer.body)[0] ?? 0) };
  }

  startRegister(gateway: Gateway, value: string, timeoutMs: number): Promise<Answer> {
    return gateway.call("/v3/kv/put", { key: this.register, value: base64(value) }, timeoutMs);
  }

  async readRegister(gateway: Gateway, timeoutMs: number): Promise<Answer & { value: string }> {
    const answer = await gateway.call("/v3/kv/range", { key: this.register }, timeoutMs);
    return { ...answer, value: valuesOf(answer.body)[0] ?? "" };
  }

  /** An `ok` answer with `found` is a refused change that tells the present value. */
  async compareAndSwap(gateway: Gateway, expected: string, value: string, timeoutMs: number) {
    const request = {
      compare: [{ key: this.register, target: "VALUE", result: "EQUAL", value: base64(expected) }],
      success: [{ request_put: { key: this.register, value: base64(value) } }],
      failure: [{ request_range: { key: this.register } }],
    };
    const answer = await gateway.call("/v3/kv/txn", request, timeoutMs);
    const body = answer.body as { succeeded?: boolean; responses?: { response_range?: unknown }[] } | undefined;
    const refused = answer.outcome === "ok" && !body?.succeeded;
    return { ...answer, found: refused ? valuesOf(body?.responses?.[0]?.response_range)[0] : undefined };
  }

  async sequences(gateway: Gateway, writer: string, timeoutMs: number): Promise<Answer & { sequences: number[] }> {
    const answer = await gateway.call("/v3/kv/range", range(this.logOf(writer)), timeoutMs);
    return { ...answer, sequences: valuesOf(answer.body).map(Number) };
  }

  remove(gateway: Gateway, timeoutMs: number): Promise<Answer> {
    return gateway.call("/v3/kv/deleterange", range(this.prefix), timeoutMs);
  }

  private get register(): string {
    return base64(`${this.prefix}register`);
  }

  private logOf(writer: string): string {
    return `${this.prefix}log/${writer}/`;
  }
}

function range(prefix: string): { key: string; range_end: string } {
  // The first key after all that begin with the prefix, whose last character "/" is followed by "0".
  return { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function valuesOf(body: unknown): string[] {
  const { kvs = [] } = (body ?? {}) as { kvs?: { value: string }[] };
  return kvs.map(({ value }) => Buffer.from(value, "base64").toString());
}
