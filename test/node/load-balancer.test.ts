import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AsideAnswer } from "../../components/arbiter/agent/linux/aside-answer.ts";
import { ASIDE_PORT } from "../../components/arbiter/agent/paths.ts";
import { run } from "../../components/cli/process.ts";
import { apiServerPort } from "../../components/kubernetes/paths.ts";
import { type LoadBalancerPlan, loadBalancerFiles } from "../../components/load-balancer.ts";
import { until } from "../e2e/until.ts";
import { SiteCertificates, write, writePair } from "./site-certificates.ts";

const plan: LoadBalancerPlan = {
  site: "store-0042",
  // Addresses of this machine alone, each with the ports of a node.
  nodes: [
    { name: "n1", frontend: "127.64.0.1" },
    { name: "n2", frontend: "127.64.0.2" },
  ],
  port: 26443,
  times: { unansweredAfter: 2 },
  probe: "certificate",
  isToldAside: true,
};

let certificates: SiteCertificates;
let strangers: SiteCertificates;
let folder: string;

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  strangers = await SiteCertificates.create();
  folder = mkdtempSync(join(tmpdir(), "tandem-balancer-"));
  write(folder, "api-ca.crt", certificates.authorityPem);
  writePair(folder, "probe", await certificates.issue("tandem-probe", ["client"]));
});
afterAll(() => {
  certificates.remove();
  strangers.remove();
  rmSync(folder, { recursive: true });
});

/** The rendered configuration, with this test's certificates. */
function configOf(wanted: LoadBalancerPlan): string {
  const text = loadBalancerFiles(wanted).files?.["/etc/haproxy/tandem-store-0042.cfg"]?.content ?? "";
  return text.replaceAll("/etc/tandem-balancer/store-0042", folder);
}

function written(text: string): string {
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, text);
  return file;
}

test("the balancer is started anew for another unit, and reloads all else that it reads", () => {
  const [unit] = loadBalancerFiles(plan).units ?? [];
  expect(unit?.restartOn).toEqual(["/etc/systemd/system/tandem-balancer-store-0042.service"]);
  const pki = ["api-ca.crt", "probe.crt", "probe.key"].map((name) => `/etc/tandem-balancer/store-0042/${name}`);
  expect(unit?.reloadOn).toEqual(["/etc/haproxy/tandem-store-0042.cfg", ...pki]);
});

describe("HAProxy's own check", () => {
  const check = async (text: string) => {
    const { code, stdout, stderr } = await run(["haproxy", "-c", "-f", written(text)], { timeoutMs: 20_000 });
    return { code, said: `${stdout}${stderr}` };
  };

  test.each(["certificate", "nameless"] as const)("takes the file with a %s probe without a word", async (probe) => {
    expect(await check(configOf({ ...plan, probe }))).toEqual({ code: 0, said: "Configuration file is valid\n" });
  });

  test("takes the file of nodes without agents, which it asks nothing", async () => {
    const text = configOf({ ...plan, isToldAside: false });
    expect(text).not.toContain("agent-check");
    expect(await check(text)).toEqual({ code: 0, said: "Configuration file is valid\n" });
  });

  test("tells a word that it does not know, and a certificate that is not there", async () => {
    const text = configOf(plan);
    const misspelt = await check(text.replace("balance roundrobin", "balance roundrobbin"));
    expect(misspelt.code).not.toBe(0);
    expect(misspelt.said).toContain("balance only supports");
    const without = await check(text.replace("probe.crt", "gone.crt"));
    expect(without.code).not.toBe(0);
    expect(without.said).toContain("gone.crt");
  });
});

/** A node as the balancer sees it: an API server, and the agent's word. */
class FakeNode {
  /** Of the API server, when it is asked whether it is ready; null lets it be silent. */
  readyz: number | null = 200;
  readonly #server: Server;
  readonly #host: string;
  readonly #sockets = new Set<Duplex>();
  agent: AsideAnswer;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.#host = host;
    this.agent = new AsideAnswer({ host, port: ASIDE_PORT });
  }

  static async start(index: 0 | 1, authority = certificates): Promise<FakeNode> {
    const { name, frontend } = plan.nodes[index];
    const own = await authority.issue("kube-apiserver", ["server"], ["n1", "n2", "localhost"]);
    const tls = { cert: own.certificatePem, key: own.privateKeyPem, ca: certificates.authorityPem };
    const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const known = (request.socket as TLSSocket).authorized;
      if (request.url === "/watch") response.write(`${name}\n`);
      else if (request.url === "/who") response.end(name);
      else if (!known) response.writeHead(401).end();
      else if (node.readyz !== null) response.writeHead(node.readyz).end();
    });
    const node = new FakeNode(server, frontend);
    server.on("connection", (socket) => {
      node.#sockets.add(socket);
      socket.once("close", () => node.#sockets.delete(socket));
    });
    await node.listen();
    return node;
  }

  async listen(): Promise<void> {
    this.#server.listen({ host: this.#host, port: apiServerPort });
    await once(this.#server, "listening");
  }

  stopApi(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): void {
    this.stopApi();
    this.agent.close();
  }
}

/** A client's connection through the balancer, or null where it got none. */
async function dial(): Promise<TLSSocket | null> {
  const socket = connect({
    host: "127.0.0.1",
    port: plan.port,
    servername: "localhost",
    ca: certificates.authorityPem,
  });
  socket.on("error", () => {});
  return new Promise((resolve) => {
    socket.once("secureConnect", () => resolve(socket));
    socket.once("close", () => resolve(null));
  });
}

async function ask(path: string): Promise<{ socket: TLSSocket; node: string } | null> {
  const socket = await dial();
  if (socket === null) return null;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const text = await new Promise<string>((resolve) => {
    let seen = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      seen += part;
      if (/\bn[12]\b/.test(seen)) resolve(seen);
    });
    socket.once("close", () => resolve(seen));
  });
  return { socket, node: /\bn[12]\b/.exec(text)?.[0] ?? "nobody" };
}

/** Who answers some connections in a row, sorted. */
async function answering(): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < 6; i++) {
    const answer = await ask("/who");
    answer?.socket.destroy();
    seen.add(answer?.node ?? "nobody");
  }
  return [...seen].sort();
}

const answeredBy = (...names: string[]) =>
  until(`answers of ${names.join(" and ")} alone`, 15_000, async () => {
    const seen = await answering();
    return seen.join() === names.join() || undefined;
  });

/** A session that stays, on a node. */
async function watchOn(name: string): Promise<{ isOpen: () => boolean; close: () => void }> {
  for (;;) {
    const answer = await ask("/watch");
    if (answer?.node === name) {
      let open = true;
      answer.socket.once("close", () => {
        open = false;
      });
      return { isOpen: () => open, close: () => answer.socket.destroy() };
    }
    answer?.socket.destroy();
  }
}

describe("through the balancer", () => {
  let haproxy: ChildProcess;
  let nodes: FakeNode[] = [];
  let said = "";

  async function start(made: FakeNode[], wanted = plan): Promise<void> {
    nodes = made;
    said = "";
    haproxy = spawn("haproxy", ["-W", "-f", written(configOf(wanted))], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [haproxy.stdout, haproxy.stderr])
      stream?.on("data", (text: Buffer) => {
        said += text;
      });
    await until("a balancer that listens", 20_000, async () => {
      const socket = await dial();
      socket?.destroy();
      return socket !== null || undefined;
    });
  }

  const both = async () => [await FakeNode.start(0), await FakeNode.start(1)];

  afterEach(async () => {
    for (const node of nodes) node.stop();
    if (haproxy.exitCode === null) {
      haproxy.kill("SIGTERM");
      await once(haproxy, "exit");
    }
  });

  test("both nodes answer; one that stands aside is left by its sessions at once, and taken back", async () => {
    await start(await both());
    await answeredBy("n1", "n2");
    const watches = [await watchOn("n1"), await watchOn("n2")] as const;
    nodes[1]?.agent.set(true);
    await until("the end of the sessions of node two", 3000, () => !watches[1].isOpen() || undefined);
    expect(watches[0].isOpen()).toBe(true);
    expect(await answering()).toEqual(["n1"]);
    nodes[1]?.agent.set(false);
    await answeredBy("n1", "n2");
    expect(watches[0].isOpen()).toBe(true);
    watches[0].close();
  });

  test("an agent that is silent takes no node out; an API server that is not ready is out", async () => {
    await start(await both());
    nodes[0]?.agent.close();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await answering()).toEqual(["n1", "n2"]);
    const watch = await watchOn("n1");
    (nodes[0] as FakeNode).readyz = 500;
    await answeredBy("n2");
    await until("the end of the sessions of node one", 3000, () => !watch.isOpen() || undefined);
    (nodes[0] as FakeNode).readyz = 200;
    await answeredBy("n1", "n2");
  });

  test("an API server that is silent for a failover of its datastore stays; one that stops is out, and clients notice nothing", async () => {
    await start(await both());
    const watch = await watchOn("n1");
    for (const node of nodes) node.readyz = null;
    await new Promise((resolve) => setTimeout(resolve, 2500));
    for (const node of nodes) node.readyz = 200;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(watch.isOpen()).toBe(true);
    expect(await answering()).toEqual(["n1", "n2"]);
    nodes[0]?.stopApi();
    // Before any probe has noticed.
    expect(await answering()).toEqual(["n2"]);
    await until("the probe's word", 5000, () => /api\/n1 is DOWN/.test(said) || undefined);
    await nodes[0]?.listen();
    await answeredBy("n1", "n2");
  });

  test("an API server with another authority's certificate gets nothing", async () => {
    await start([await FakeNode.start(0), await FakeNode.start(1, strangers)]);
    await answeredBy("n1");
    expect(said).toMatch(/api\/n2 failed.*SSL handshake failure/);
  });

  test("without a certificate, a refusal tells that the API server lives, and the agent's word counts", async () => {
    await start(await both(), { ...plan, probe: "nameless" });
    await answeredBy("n1", "n2");
    nodes[0]?.agent.set(true);
    await answeredBy("n2");
  });

  test("a reload takes a new certificate into use and ends no session", async () => {
    const made = await both();
    await start(made);
    const watches = [await watchOn("n1"), await watchOn("n2")];
    const before = await certificates.issue("tandem-probe", ["client"]);
    try {
      writePair(folder, "probe", await strangers.issue("tandem-probe", ["client"]));
      haproxy.kill("SIGUSR2");
      // The API servers do not know it: proof that it is the one that is shown.
      await until("no way in", 10_000, async () => {
        const socket = await dial();
        socket?.destroy();
        return socket === null || undefined;
      });
      expect(watches.map(({ isOpen }) => isOpen())).toEqual([true, true]);
    } finally {
      writePair(folder, "probe", before);
      for (const watch of watches) watch.close();
    }
  });
});
