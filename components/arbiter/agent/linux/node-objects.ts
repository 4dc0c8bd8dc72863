import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { type NodeView, readNode } from "../out-of-service.ts";
import type { KubernetesSettings } from "../settings.ts";

const LIMIT_MS = 2000;
/** A Node names up to fifty images. */
const BODY_LIMIT = 512 * 1024;

/** Reads and changes Node objects through the API server of this node: where the API itself has no quorum, nothing can be written. */
export class NodeObjects {
  readonly #settings: KubernetesSettings;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(settings: KubernetesSettings) {
    this.#settings = settings;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Null if there is none of this name. @throws Error in words, within two seconds */
  async read(name: string): Promise<NodeView | null> {
    const { status, text } = await this.#ask("GET", name);
    if (status === 404) return null;
    if (status !== 200) throw new Error(`reading Node ${name}: ${status} ${messageOf(text)}`);
    return readNode(JSON.parse(text), name);
  }

  /** @param patch a JSON merge patch. @throws Error in words, within two seconds; what was asked may be done nevertheless */
  async change(name: string, patch: object): Promise<void> {
    const { status, text } = await this.#ask("PATCH", name, JSON.stringify(patch));
    if (status !== 200) throw new Error(`changing Node ${name}: ${status} ${messageOf(text)}`);
  }

  #ask(method: "GET" | "PATCH", name: string, body = ""): Promise<{ status: number; text: string }> {
    const { port, ca, certificate, key, impersonate } = this.#settings;
    return new Promise((resolve, reject) => {
      const asked = request({
        agent: this.#agent,
        host: "127.0.0.1",
        port,
        method,
        path: `/api/v1/nodes/${name}`,
        // Read for each: they come after the agent, and change without it.
        ca: readFileSync(ca),
        cert: readFileSync(certificate),
        key: readFileSync(key),
        minVersion: "TLSv1.2",
        headers: {
          Accept: "application/json",
          ...(body !== "" && {
            "Content-Type": "application/merge-patch+json",
            "Content-Length": String(Buffer.byteLength(body)),
          }),
          ...(impersonate !== null && { "Impersonate-User": impersonate }),
        },
      });
      const limit = setTimeout(
        () => asked.destroy(new Error(`the API server did not answer within ${LIMIT_MS} ms`)),
        LIMIT_MS,
      );
      asked.on("close", () => clearTimeout(limit));
      asked.on("error", reject);
      asked.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > BODY_LIMIT) asked.destroy(new Error(`the answer is longer than ${BODY_LIMIT} characters`));
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.end(body);
    });
  }
}

/** Of a Status, if it is one. */
function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message).slice(0, 300);
  } catch {
    return text.slice(0, 100);
  }
}
