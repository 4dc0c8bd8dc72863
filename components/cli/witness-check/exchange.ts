import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { nameIn } from "../../arbiter/agent/linux/witness.ts";

/** Where a node's witness is; stdin of `tandem witness-check`, as JSON. */
export interface WitnessAddress {
  readonly site: string;
  /** This node's name, the CN of its client certificate. */
  readonly node: string;
  /** Without a trailing slash. */
  readonly url: string;
  /** Name asked for in TLS and in the Host header; null asks for the host of the url. */
  readonly servername: string | null;
  /** Folder with `witness-ca.crt` and `witness-client.{crt,key}`. */
  readonly pki: string;
}

export interface Question {
  readonly method: "GET" | "PUT" | "MKCOL" | "MOVE" | "DELETE";
  /** Below the site's folder, without a slash at its beginning. */
  readonly path: string;
  readonly body?: string;
  /** Target of a MOVE, below the site's folder. */
  readonly destination?: string;
}

export type Answer = { readonly status: number; readonly body: string } | { readonly failure: string };

const LIMIT_MS = 5_000;

/** Asks a witness as the agent of this node would. */
export class WitnessExchange {
  readonly #address: WitnessAddress;
  readonly #agent: Agent;

  constructor(address: WitnessAddress) {
    this.#address = address;
    const file = (name: string) => readFileSync(join(address.pki, name));
    this.#agent = new Agent({
      keepAlive: true,
      servername: address.servername ?? nameIn(address.url),
      ca: file("witness-ca.crt"),
      cert: file("witness-client.crt"),
      key: file("witness-client.key"),
    });
  }

  ask({ method, path, body, destination }: Question): Promise<Answer> {
    const { url, servername, site } = this.#address;
    const base = new URL(url);
    const host = servername ?? base.host;
    const prefix = `${base.pathname.replace(/\/$/, "")}/${site}/`;
    return new Promise((resolve) => {
      const asked = request({
        agent: this.#agent,
        host: base.hostname,
        port: base.port || 443,
        method,
        path: `${prefix}${path}`,
        timeout: LIMIT_MS,
        headers: {
          Host: host,
          ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
          ...(destination === undefined
            ? {}
            : { Destination: `https://${host}${prefix}${destination}`, Overwrite: "F" }),
        },
      });
      asked.once("timeout", () => asked.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
      asked.once("error", (error: NodeJS.ErrnoException) => resolve({ failure: error.code ?? error.message }));
      asked.once("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text.trim() }));
      });
      asked.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
