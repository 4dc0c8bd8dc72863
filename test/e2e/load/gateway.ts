import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { Outcome } from "./operation.ts";

export interface Endpoint {
  name: string;
  /** `https://address:port` */
  url: string;
}

/** PEM texts. */
export interface Tls {
  ca: string;
  cert: string;
  key: string;
}

export interface Answer {
  outcome: Outcome;
  /** The JSON answer of an `ok` call. */
  body: unknown;
  error?: string;
}

const reconnectMs = 50;
const connectLimitMs = 500;
const pingIntervalMs = 250;
const pingLimitMs = 1000;

/**
 * One HTTP/2 connection to the JSON gateway of an etcd member, made anew quickly whenever it is lost, so that what a client
 * sees is the member's doing. A silent member shows by unanswered pings.
 */
export class Gateway {
  readonly endpoint: Endpoint;
  private readonly tls: Tls;
  private session: ClientHttp2Session | undefined;
  private closed = false;

  constructor(endpoint: Endpoint, tls: Tls) {
    this.endpoint = endpoint;
    this.tls = tls;
    this.open();
  }

  get connected(): boolean {
    return this.session !== undefined;
  }

  /** Never throws. Without a connection the call is not made: `fail`. */
  call(path: string, body: unknown, timeoutMs: number): Promise<Answer> {
    const session = this.session;
    if (!session) return Promise.resolve({ outcome: "fail", body: undefined, error: "not connected" });
    return new Promise((resolve) => {
      let stream: ClientHttp2Stream;
      try {
        stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
      } catch (error) {
        resolve({ outcome: "fail", body: undefined, error: String(error) });
        return;
      }
      let status = 0;
      let text = "";
      const unknown = (error: string) => resolve({ outcome: "unknown", body: undefined, error });
      const timer = setTimeout(() => {
        unknown(`no answer in ${timeoutMs} ms`);
        stream.close();
      }, timeoutMs);
      stream.setEncoding("utf8");
      stream.on("response", (headers) => {
        status = Number(headers[":status"]);
      });
      stream.on("data", (chunk: string) => {
        text += chunk;
      });
      stream.on("end", () => {
        // Only these two say that nothing was proposed; a 5xx may still be committed.
        if (status === 400 || status === 429) resolve({ outcome: "fail", body: undefined, error: text.trim() });
        else if (status !== 200) unknown(`status ${status} ${text.trim()}`);
        else if (!isWhole(text)) unknown("answer cut off");
        else resolve({ outcome: "ok", body: JSON.parse(text) });
      });
      stream.on("error", (error) => unknown(error.message));
      stream.on("close", () => {
        clearTimeout(timer);
        unknown("connection lost");
      });
      stream.end(JSON.stringify(body));
    });
  }

  /**
   * Asks for an answer without an end. Resolves when the connection, the answer or `end` does, or when `taken` does not take
   * a line of it; never throws.
   */
  stream(path: string, body: unknown, taken: (line: unknown) => boolean, end: AbortSignal): Promise<void> {
    const session = this.session;
    if (!session || end.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let stream: ClientHttp2Stream;
      try {
        stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
      } catch {
        resolve();
        return;
      }
      const stop = () => stream.close();
      end.addEventListener("abort", stop, { once: true });
      stream.setEncoding("utf8");
      let text = "";
      stream.on("data", (chunk: string) => {
        const lines = (text + chunk).split("\n");
        text = lines.pop() ?? "";
        if (!lines.filter(isWhole).every((line) => taken(JSON.parse(line)))) stop();
      });
      // "close" follows.
      stream.on("error", () => {});
      stream.on("close", () => {
        end.removeEventListener("abort", stop);
        resolve();
      });
      stream.end(JSON.stringify(body));
    });
  }

  close(): void {
    this.closed = true;
    this.session?.destroy();
  }

  private open(): void {
    const session = connect(this.endpoint.url, this.tls);
    const giveUp = setTimeout(() => session.destroy(), connectLimitMs);
    let pinger: NodeJS.Timeout | undefined;
    session.on("connect", () => {
      clearTimeout(giveUp);
      this.session = session;
      pinger = this.watch(session);
    });
    // "close" follows.
    session.on("error", () => {});
    session.on("goaway", () => session.destroy());
    session.on("close", () => {
      clearTimeout(giveUp);
      clearInterval(pinger);
      this.session = undefined;
      if (!this.closed) setTimeout(() => this.open(), reconnectMs);
    });
  }

  private watch(session: ClientHttp2Session): NodeJS.Timeout {
    let answeredAt = performance.now();
    return setInterval(() => {
      if (performance.now() - answeredAt > pingLimitMs) session.destroy();
      else if (!session.destroyed)
        session.ping((error) => {
          if (!error) answeredAt = performance.now();
        });
    }, pingIntervalMs);
  }
}

/** A connection that breaks ends its streams as if their answers were complete. */
function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
