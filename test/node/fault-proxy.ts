import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";

/** What happens to the bytes of one direction: `up` is towards the server. */
export interface Fault {
  way: "up" | "down";
  /** So many bytes still pass, counted from the moment the fault is set. */
  after: number;
  /**
   * `mute` swallows all that follows and keeps the connection, `late` holds it back for a while; `half` ends this direction
   * only; `garbage` puts 64 other bytes in between; `crawl` passes single bytes, with a pause after every `perPause`.
   */
  how: "close" | "reset" | "half" | "mute" | "late" | "garbage" | "crawl";
  /** For `late` and `crawl`. */
  pauseMs?: number;
  perPause?: number;
}

interface Link {
  ends: readonly [Socket, Socket];
  fault: Fault | null;
  passed: number;
  heard(way: Fault["way"], bytes: Buffer): void;
}

/** A TCP path to a server on loopback, on which everything can go wrong. */
export class FaultProxy {
  /** Chooses what happens to the next connection. */
  plan: () => Fault | null = () => null;
  /** Hears what passes. */
  listen: (way: Fault["way"], bytes: Buffer) => void = () => {};
  connections = 0;
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #target: number;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (from) => this.#join(from));
  }

  static async to(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get open(): number {
    return this.#links.size;
  }

  /** Sets the fault of every connection that is open now; null heals what can be healed. */
  inject(fault: Fault | null): void {
    for (const link of this.#links) Object.assign(link, { fault, passed: 0 });
  }

  /** Ends every connection. */
  cut(): void {
    for (const { ends } of this.#links) for (const end of ends) end.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(from: Socket): void {
    this.connections++;
    const to = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const link: Link = { ends: [from, to], fault: this.plan(), passed: 0, heard: this.listen };
    this.#links.add(link);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => {
        other.destroy();
        this.#links.delete(link);
      });
    }
    for (const way of ["up", "down"] as const) void pass(link, way).catch(() => {});
  }
}

async function pass(link: Link, way: Fault["way"]): Promise<void> {
  const [from, to] = way === "up" ? link.ends : [link.ends[1], link.ends[0]];
  for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let rest = chunk;
    link.heard(way, chunk);
    const before = link.fault;
    if (before?.way === way && link.passed <= before.after) {
      const whole = rest.subarray(0, before.after - link.passed);
      link.passed += rest.length;
      to.write(whole);
      rest = rest.subarray(whole.length);
      if (rest.length === 0) continue;
      if (before.how === "garbage") to.write(Buffer.alloc(64, "\u0017?"));
    }
    const fault = link.fault?.way === way ? link.fault : null;
    switch (fault?.how) {
      case "mute":
        break;
      case "close":
        to.end();
        from.destroy();
        return;
      case "reset":
        to.resetAndDestroy();
        from.resetAndDestroy();
        return;
      case "half":
        to.end();
        return;
      case "late":
        await sleep(fault.pauseMs);
        to.write(rest);
        break;
      case "crawl":
        await crawl(to, rest, fault);
        break;
      default:
        to.write(rest);
    }
  }
  to.end();
}

async function crawl(to: Socket, bytes: Buffer, { pauseMs = 1, perPause = 1 }: Fault): Promise<void> {
  for (let i = 0; i < bytes.length && !to.destroyed; i++) {
    to.write(bytes.subarray(i, i + 1));
    await (i % perPause === 0 ? sleep(pauseMs) : turn());
  }
}
