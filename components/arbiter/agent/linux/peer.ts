import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  connect,
  createSecureContext,
  createServer,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { Misfit } from "../check.ts";
import { checkHello } from "../hello.ts";
import type { Hello } from "../world.ts";
import { keepListening } from "./listening.ts";

/**
 * The handshake: one connection, one question, one answer, each a line of JSON; both ends show a certificate of the site
 * with their node's name. An answer belongs to the connection that asked, so none is kept and none comes late.
 */
export interface HandshakeOptions {
  site: string;
  sibling: string;
  /** Folder with site-ca.crt and agent.{crt,key}. */
  pki: string;
  port: number;
}

const LINE_LIMIT = 16 * 1024;
const EXCHANGE_MS = 2000;
/** A path that has not answered by now may have died silently: the question is put on the next one as well. */
const NEXT_PATH_MS = 150;
const CONNECTIONS = 16;

interface Credentials {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

function credentials(pki: string): Credentials {
  const read = (name: string) => readFileSync(join(pki, name));
  return { ca: read("site-ca.crt"), cert: read("agent.crt"), key: read("agent.key") };
}

const isSibling = (certificate: PeerCertificate, sibling: string): boolean => certificate.subject?.CN === sibling;

/** @throws Misfit for anything but a whole hello of this site's other node */
export function parseHello(line: string, options: HandshakeOptions): Hello {
  const hello = checkHello(JSON.parse(line), "");
  if (hello.site !== options.site) throw new Misfit(`site is ${hello.site}; allowed is ${options.site}`);
  if (hello.node !== options.sibling) throw new Misfit(`node is ${hello.node}; allowed is ${options.sibling}`);
  return hello;
}

/** Calls back with the first line, once. More than the limit without an end of line ends the connection. */
function onLine(socket: TLSSocket, take: (line: string) => void): void {
  let text = "";
  let taken = false;
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    if (taken) return;
    text += chunk;
    const end = text.indexOf("\n");
    if (end >= 0) {
      taken = true;
      take(text.slice(0, end));
    } else if (text.length > LINE_LIMIT) socket.destroy(new Misfit(`a line of more than ${LINE_LIMIT} characters`));
  });
}

/** Answers questions on each of this node's addresses; an address that is not there yet is tried again. */
export class HandshakeServer {
  readonly #closes: (() => void)[] = [];
  readonly #options: HandshakeOptions;

  /**
   * @param greeted the sibling asks; `reply` answers in this very connection
   * @param refused a connection that was not the sibling's, or not a question; the reason in words
   */
  constructor(
    options: HandshakeOptions & { addresses: readonly string[] },
    on: { greeted(hello: Hello, reply: (hello: Hello) => void): void; refused(why: string): void },
  ) {
    this.#options = options;
    const tls = { ...credentials(options.pki), requestCert: true, rejectUnauthorized: true } as const;
    for (const address of options.addresses) {
      const server = createServer({ ...tls, minVersion: "TLSv1.3", handshakeTimeout: EXCHANGE_MS });
      server.maxConnections = CONNECTIONS;
      server.on("secureConnection", (socket) => this.#serve(socket, on));
      server.on("tlsClientError", (error, socket) => {
        if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") on.refused(`${error.message}`);
        socket.destroy();
      });
      let complained = false;
      const close = keepListening(server, { host: address, port: options.port }, (error) => {
        if (!complained) on.refused(`at ${address}: ${error.message}`);
        complained = true;
      });
      this.#closes.push(close);
    }
  }

  close(): void {
    for (const close of this.#closes) close();
  }

  #serve(
    socket: TLSSocket,
    on: { greeted(hello: Hello, reply: (hello: Hello) => void): void; refused(why: string): void },
  ): void {
    const limit = setTimeout(() => socket.destroy(), EXCHANGE_MS);
    socket.on("close", () => clearTimeout(limit));
    socket.on("error", () => {});
    if (!isSibling(socket.getPeerCertificate(), this.#options.sibling)) {
      on.refused(`a certificate that is not ${this.#options.sibling}'s, from ${socket.remoteAddress}`);
      socket.destroy();
      return;
    }
    onLine(socket, (line) => {
      try {
        const hello = parseHello(line, this.#options);
        on.greeted(hello, (reply) => {
          if (!socket.destroyed) socket.end(`${JSON.stringify(reply)}\n`);
        });
      } catch (error) {
        on.refused(`a question that is none, from ${socket.remoteAddress}: ${(error as Error).message}`);
        socket.destroy();
      }
    });
  }
}

export class HandshakeClient {
  readonly #options: HandshakeOptions;
  readonly #addresses: readonly string[];
  readonly #context: SecureContext;

  /** @param options.addresses the sibling's, in the order of preference */
  constructor(options: HandshakeOptions & { addresses: readonly string[] }) {
    this.#options = options;
    this.#addresses = options.addresses;
    this.#context = createSecureContext({ ...credentials(options.pki), minVersion: "TLSv1.3" });
  }

  /** The sibling's answer to this question, or why there is none. The first path that answers ends the others. */
  ask(hello: Hello): Promise<{ hello: Hello } | { failure: string }> {
    const question = `${JSON.stringify(hello)}\n`;
    return new Promise((resolve) => {
      const failures: string[] = [];
      const paths: TLSSocket[] = [];
      const timers: NodeJS.Timeout[] = [];
      const finish = (result: { hello: Hello } | { failure: string }) => {
        for (const timer of timers) clearTimeout(timer);
        for (const path of paths) path.destroy();
        resolve(result);
      };
      const put = (index: number) => {
        const address = this.#addresses[index];
        if (address === undefined || paths.length > index) return;
        const path = this.#open(address);
        paths.push(path);
        let failed = false;
        const fail = (why: string) => {
          if (failed) return;
          failed = true;
          failures.push(`${address}: ${why}`);
          path.destroy();
          if (failures.length === this.#addresses.length) finish({ failure: failures.join("; ") });
          else put(index + 1);
        };
        path.on("error", (error) => fail(error.message));
        path.on("close", () => fail("closed without an answer"));
        path.on("secureConnect", () => path.write(question));
        onLine(path, (line) => {
          try {
            finish({ hello: parseHello(line, this.#options) });
          } catch (error) {
            fail(`an answer that is none: ${(error as Error).message}`);
          }
        });
      };
      timers.push(setTimeout(() => finish({ failure: `no answer within ${EXCHANGE_MS} ms` }), EXCHANGE_MS));
      this.#addresses.forEach((_, index) => {
        if (index > 0) timers.push(setTimeout(() => put(index), index * NEXT_PATH_MS));
      });
      put(0);
    });
  }

  #open(address: string): TLSSocket {
    return connect({
      secureContext: this.#context,
      host: address,
      port: this.#options.port,
      checkServerIdentity: (_host, certificate) =>
        isSibling(certificate, this.#options.sibling)
          ? undefined
          : new Misfit(`a certificate that is not ${this.#options.sibling}'s`),
    });
  }
}
