import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer, type SecureVersion } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Issued } from "../../components/pki/provider/x509.ts";
import { Claimant, SITE } from "./claimant.ts";
import { type Fault, FaultProxy } from "./fault-proxy.ts";
import { answer } from "./scripted-witness.ts";
import { expired, notYetValid, SiteCertificates, writePair } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const incarnation = "0123456789abcdef0123456789abcdef";
const gen = "68798EAEE4968C1A";
const name = `${SITE}.tandem-witness`;
/** The longest question, three requests of 1 s each, and what a busy machine may add. */
const LIMIT_MS = 3000 + 5000;

let certificates: SiteCertificates;
let others: SiteCertificates;
let nginx: WitnessServer;
let n1: string;
let ends: { close(): void }[];

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  others = await SiteCertificates.create();
  n1 = await certificates.node("n1");
  nginx = await WitnessServer.create();
  await nginx.addSite(SITE, ["n1", "n2"], certificates);
  await nginx.start();
  nginx.makeTree(SITE, incarnation);
});
afterAll(async () => {
  await nginx.remove();
  certificates.remove();
  others.remove();
});
beforeEach(() => {
  ends = [];
});
afterEach(() => {
  for (const end of ends) end.close();
});

async function claim(port: number, pki = n1) {
  const claimant = new Claimant({ node: "n1", sibling: "n2", incarnation, port, pki });
  ends.push(claimant);
  const { verdict } = await claimant.run("claim", gen);
  return { verdict, longestMs: claimant.longestMs };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(server);
  return (server.address() as { port: number }).port;
}

/** A server that would grant every claim. */
function liar(
  { certificatePem, privateKeyPem }: Issued,
  versions: Partial<Record<"minVersion" | "maxVersion", SecureVersion>> = {},
) {
  const server = createServer({ cert: certificatePem, key: privateKeyPem, ...versions }, (socket) => {
    socket.on("error", () => {}).on("data", () => socket.write(answer(201, "n1")));
  });
  return listen(server.on("tlsClientError", () => {}));
}

/** A server that is none: what it says first, and to each word. */
function plain(speak: (socket: Socket) => void) {
  return listen(createPlainServer((socket) => speak(socket.on("error", () => {}))));
}

test("the witness's own certificate is what makes a server believed", async () => {
  expect(await claim(await liar(await certificates.issue(name, ["server"])))).toMatchObject({ verdict: "won" });
});

describe("a server that would grant every claim decides nothing with", () => {
  const impostors: Record<string, () => Promise<number>> = {
    "the right name from another authority": async () => liar(await others.issue(name, ["server"])),
    "the name of another site's witness": async () =>
      liar(await certificates.issue("store-0043.tandem-witness", ["server"])),
    "the right name as its CN alone": async () =>
      liar(await certificates.issue(name, ["server"], ["store-0043.tandem-witness"])),
    "a node's certificate": async () => liar(await certificates.issue("n2", ["server", "client"])),
    "a certificate for clients": async () => liar(await certificates.issue(name, ["client"])),
    "a certificate that has expired": async () => liar(await certificates.issue(name, ["server"], [name], expired)),
    "a certificate that is not valid yet": async () =>
      liar(await certificates.issue(name, ["server"], [name], notYetValid)),
    "TLS 1.1": async () =>
      liar(await certificates.issue(name, ["server"]), { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" }),
    "no TLS": () => plain((socket) => socket.on("data", () => socket.write(answer(201, "n1")))),
    "a word before TLS": () => plain((socket) => socket.write(answer(201, "n1"))),
    "garbage in TLS's place": () =>
      plain((socket) => socket.on("data", () => socket.write(Buffer.from([0x16, 3, 3, 0, 4, 2, 0, 0, 0, 0x17, 3, 3])))),
    "an alert": () => plain((socket) => socket.on("data", () => socket.write(Buffer.from([0x15, 3, 3, 0, 2, 1, 0])))),
    "the end": () => plain((socket) => socket.end()),
    "a reset": () => plain((socket) => socket.resetAndDestroy()),
    silence: () => plain(() => {}),
  };

  test.each(Object.entries(impostors))("%s", async (_, start) => {
    const { verdict, longestMs } = await claim(await start());
    expect(verdict).toBe("undecided");
    expect(longestMs).toBeLessThan(LIMIT_MS);
  });
});

describe("nginx lets no claim be made with", () => {
  /** Credentials that a node of the site might be found with. */
  async function nodeWith(issued: Issued): Promise<string> {
    const folder = await certificates.node("n1");
    writePair(folder, "witness-client", issued);
    return folder;
  }
  const strangers: Record<string, () => Promise<string>> = {
    "a certificate of another authority": async () => nodeWith(await others.issue("n1", ["client"])),
    "an expired certificate": async () => nodeWith(await certificates.issue("n1", ["client"], ["n1"], expired)),
    "a certificate that is not valid yet": async () =>
      nodeWith(await certificates.issue("n1", ["client"], ["n1"], notYetValid)),
    "a certificate for servers": async () => nodeWith(await certificates.issue("n1", ["server"])),
    "the sibling's certificate": async () => nodeWith(await certificates.issue("n2", ["client"])),
    "the certificate of an unknown node": async () => nodeWith(await certificates.issue("n3", ["client"])),
    "a name that only contains the node's": async () => nodeWith(await certificates.issue("n1,CN=n3", ["client"])),
  };

  test.each(Object.entries(strangers))("%s", async (_, credentials) => {
    expect(await claim(nginx.port, await credentials())).toMatchObject({ verdict: "undecided" });
    const tree = join(nginx.tree(SITE), incarnation);
    expect(readdirSync(join(tree, "claims"))).toEqual([]);
    expect(readdirSync(join(tree, "staging"))).toEqual([]);
  });
});

test("a TLS handshake that breaks off at any byte, or drags on, decides nothing and ends within the limit", async () => {
  const faults = (["close", "reset", "half", "mute", "garbage", "crawl"] as const).flatMap((how) =>
    (["up", "down"] as const).flatMap((way) =>
      // Nobody finishes a handshake with fewer bytes than this.
      [0, 1, 4, 5, 6, 40, 90, 150, 250, 400].map((after): Fault => ({ way, after, how, pauseMs: 20, perPause: 4 })),
    ),
  );
  await Promise.all(
    faults.map(async (fault) => {
      const proxy = await FaultProxy.to(nginx.port);
      ends.push(proxy);
      proxy.plan = () => fault;
      const { verdict, longestMs } = await claim(proxy.port);
      expect(verdict, JSON.stringify(fault)).toBe("undecided");
      expect(longestMs, JSON.stringify(fault)).toBeLessThan(LIMIT_MS);
    }),
  );
  expect(readdirSync(join(nginx.tree(SITE), incarnation, "claims"))).toEqual([]);
});
