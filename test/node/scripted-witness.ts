import { once } from "node:events";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { SITE } from "./claimant.ts";
import type { SiteCertificates } from "./site-certificates.ts";

export interface Asked {
  method: string;
  path: string;
  body: string;
}

/** Answers one request, with raw bytes of the test's choosing. */
export type Script = (socket: TLSSocket, asked: Asked) => void;

const HEAD = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n([\s\S]*?)\r\n\r\n/;

/** A TLS server with the witness's certificate that keeps connections and says what it is told to. */
export class ScriptedWitness {
  script: Script = () => {};
  readonly asked: Asked[] = [];
  readonly #sockets = new Set<TLSSocket>();
  readonly #server: Server;

  private constructor(credentials: { key: string; cert: string; ca: string }) {
    this.#server = createServer({ ...credentials, requestCert: true }, (socket) => this.#serve(socket));
    this.#server.on("tlsClientError", () => {});
  }

  static async start(certificates: SiteCertificates): Promise<ScriptedWitness> {
    const { certificatePem, privateKeyPem } = await certificates.issue(`${SITE}.tandem-witness`, ["server"]);
    const server = new ScriptedWitness({ cert: certificatePem, key: privateKeyPem, ca: certificates.authorityPem });
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: TLSSocket): void {
    this.#sockets.add(socket);
    let text = "";
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      const [head = "", method = "", path = "", headers = ""] = HEAD.exec(text) ?? [];
      const length = Number(/^content-length: (\d+)$/im.exec(headers)?.[1] ?? 0);
      if (head === "" || text.length < head.length + length) return;
      const asked = { method, path, body: text.slice(head.length, head.length + length) };
      text = text.slice(head.length + length);
      this.asked.push(asked);
      this.script(socket, asked);
    });
  }
}

/** A whole answer in HTTP/1.1. */
export function answer(status: number, body = "", headers = ""): string {
  const bodyless = status === 204 || status === 304;
  const length = bodyless ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `HTTP/1.1 ${status} Any Words\r\n${length}${headers}\r\n${bodyless ? "" : body}`;
}
