import { createServer, type Server } from "node:net";
import { sayOnce } from "../journal.ts";

const LISTEN_AGAIN_MS = 1000;
const CONNECTION_MS = 1000;
const CONNECTIONS = 16;

/**
 * Tells whoever connects, by `down`, that the sibling goes on and this node does not; else `up`: the words of HAProxy's agent checks.
 * Nothing is asked and nothing is read, so anybody may hear it.
 */
export class AsideAnswer {
  readonly #server: Server;
  #retry: NodeJS.Timeout | undefined;
  #aside = false;

  /** An address that is not there yet is tried again. */
  constructor(address: { host: string; port: number }) {
    this.#server = createServer((socket) => {
      socket.on("error", () => {});
      socket.setTimeout(CONNECTION_MS, () => socket.destroy());
      socket.end(this.#aside ? "down #stands aside\n" : "up\n", () => socket.destroySoon());
    });
    this.#server.maxConnections = CONNECTIONS;
    const listen = () => this.#server.listen(address);
    this.#server.on("error", (error) => {
      sayOnce("warning", `no load balancer is told whether this node stands aside: ${error.message}`);
      this.#retry = setTimeout(listen, LISTEN_AGAIN_MS);
    });
    listen();
  }

  set(aside: boolean): void {
    this.#aside = aside;
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#server.close();
  }
}
