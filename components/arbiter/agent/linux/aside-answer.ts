import { createServer } from "node:net";
import { sayOnce } from "../journal.ts";
import { keepListening } from "./listening.ts";

const CONNECTION_MS = 1000;
const CONNECTIONS = 16;

/**
 * Tells whoever connects, by `down`, that the sibling goes on and this node does not; else `up`: the words of HAProxy's agent checks.
 * Nothing is asked and nothing is read, so anybody may hear it.
 */
export class AsideAnswer {
  readonly #close: () => void;
  #aside = false;

  /** An address that is not there yet is tried again. */
  constructor(address: { host: string; port: number }) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.setTimeout(CONNECTION_MS, () => socket.destroy());
      socket.end(this.#aside ? "down #stands aside\n" : "up\n", () => socket.destroySoon());
    });
    server.maxConnections = CONNECTIONS;
    this.#close = keepListening(server, address, (error) =>
      sayOnce("warning", `no load balancer is told whether this node stands aside: ${error.message}`),
    );
  }

  set(aside: boolean): void {
    this.#aside = aside;
  }

  close(): void {
    this.#close();
  }
}
