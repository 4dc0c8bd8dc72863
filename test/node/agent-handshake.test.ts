import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { HandshakeClient, HandshakeServer } from "../../components/arbiter/agent/linux/peer.ts";
import type { Hello } from "../../components/arbiter/agent/world.ts";
import { SITE } from "./claimant.ts";
import { helloOf } from "./siblings.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { freePort, startSilentServer } from "./sshd.ts";

let certificates: SiteCertificates;
let n1: string;
let n2: string;
let port: number;
let ends: (() => void)[];

/** n2's agent, which answers with what `answer` makes of the question. */
function serve(answer: (question: Hello) => Hello = () => helloOf("n2")): { greeted: Hello[]; refused: string[] } {
  const seen = { greeted: [] as Hello[], refused: [] as string[] };
  const server = new HandshakeServer(
    { site: SITE, sibling: "n1", pki: n2, port, addresses: ["127.0.0.1", "127.0.0.2"] },
    {
      greeted: (question, reply) => {
        seen.greeted.push(question);
        reply(answer(question));
      },
      refused: (why) => seen.refused.push(why),
    },
  );
  ends.push(() => server.close());
  return seen;
}

const ask = (pki: string, addresses = ["127.0.0.1", "127.0.0.2"], node = "n1") =>
  new HandshakeClient({ site: SITE, sibling: "n2", pki, port, addresses }).ask(helloOf(node));

/** A TLS server with n2's certificate that answers a question in some way of its own. */
function serveRaw(answer: (socket: TLSSocket) => void): Promise<void> {
  const read = (name: string) => readFileSync(join(n2, name));
  const server = createServer(
    { ca: read("site-ca.crt"), cert: read("agent.crt"), key: read("agent.key"), requestCert: true },
    (socket) => socket.on("error", () => {}).once("data", () => answer(socket)),
  );
  ends.push(() => server.close());
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  n1 = await certificates.node("n1");
  n2 = await certificates.node("n2");
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  ends = [];
  port = await freePort();
});
afterEach(() => {
  for (const end of ends) end();
});

test("one question is answered once, over either path", async () => {
  const seen = serve((question) => ({ ...helloOf("n2"), echo: question.disarmed }));
  expect(await ask(n1)).toEqual({ hello: helloOf("n2") });
  expect(seen.greeted).toEqual([helloOf("n1")]);
  expect(await ask(n1, ["127.0.0.9", "127.0.0.2"])).toEqual({ hello: helloOf("n2") });
});

test("a path that has died silently does not keep the other from answering", async () => {
  const silent = await startSilentServer();
  ends.push(silent.stop);
  port = silent.port;
  const server = new HandshakeServer(
    { site: SITE, sibling: "n1", pki: n2, port, addresses: ["127.0.0.2"] },
    { greeted: (_, reply) => reply(helloOf("n2")), refused: () => {} },
  );
  ends.push(() => server.close());
  const begun = performance.now();
  expect(await ask(n1)).toEqual({ hello: helloOf("n2") });
  expect(performance.now() - begun).toBeLessThan(2000);
});

test("an agent that is not there is no answer, in words for each path", async () => {
  const answer = await ask(n1);
  expect(answer).toEqual({ failure: expect.stringMatching(/127\.0\.0\.1: .*REFUSED.*127\.0\.0\.2: .*REFUSED/) });
});

test("a certificate of another authority is refused on both sides", async () => {
  const seen = serve();
  const other = await SiteCertificates.create();
  expect(await ask(await other.node("n1"))).toHaveProperty("failure");
  expect(seen.greeted).toEqual([]);
  other.remove();
});

test("a certificate of this node itself is not the sibling's", async () => {
  const seen = serve();
  expect(await ask(n2)).toHaveProperty("failure");
  expect(seen.greeted).toEqual([]);
  expect(seen.refused.join()).toContain("a certificate that is not n1's");
});

test("an answer under another node's certificate does not count", async () => {
  const impostor = await certificates.node("n3");
  const server = new HandshakeServer(
    { site: SITE, sibling: "n1", pki: impostor, port, addresses: ["127.0.0.1"] },
    { greeted: (_, reply) => reply(helloOf("n2")), refused: () => {} },
  );
  ends.push(() => server.close());
  expect(await ask(n1, ["127.0.0.1"])).toEqual({ failure: "127.0.0.1: a certificate that is not n2's" });
});

test("the witness's credential opens no handshake as a server", async () => {
  const { cpSync, mkdtempSync } = await import("node:fs");
  const folder = mkdtempSync(join(certificates.folder, "mixed-"));
  cpSync(join(n2, "site-ca.crt"), join(folder, "site-ca.crt"));
  for (const end of ["crt", "key"]) cpSync(join(n2, `witness-client.${end}`), join(folder, `agent.${end}`));
  const server = new HandshakeServer(
    { site: SITE, sibling: "n1", pki: folder, port, addresses: ["127.0.0.1"] },
    { greeted: (_, reply) => reply(helloOf("n2")), refused: () => {} },
  );
  ends.push(() => server.close());
  expect(await ask(n1, ["127.0.0.1"])).toHaveProperty("failure");
});

test.each([
  ["another site's node", (hello: Hello) => ({ ...hello, site: "store-0043" }), /site is store-0043/],
  ["another node", (hello: Hello) => ({ ...hello, node: "n3" }), /node is n3/],
  ["a word that does not exist", (hello: Hello) => ({ ...hello, disk: "Fine" as never }), /disk is "Fine"/],
  ["a generation that is none", (hello: Hello) => ({ ...hello, gen: "xyz" }), /gen is "xyz"/],
  ["a missing word", ({ frozen: _, ...hello }: Hello) => hello as Hello, /frozen is missing/],
])("an answer with %s does not count", async (_, change, why) => {
  serve(() => change(helloOf("n2")));
  expect(await ask(n1, ["127.0.0.1"])).toEqual({ failure: expect.stringMatching(why) });
});

test("words that a newer agent adds are no reason to refuse its answer", async () => {
  serve(() => ({ ...helloOf("n2"), hold: true }) as Hello);
  expect(await ask(n1)).toEqual({ hello: helloOf("n2") });
});

test.each([
  ["half an answer", (socket: TLSSocket) => socket.end(JSON.stringify(helloOf("n2")).slice(0, 100))],
  ["nothing", (socket: TLSSocket) => socket.end()],
  ["garbage", (socket: TLSSocket) => socket.end("200 OK\n")],
  ["a line without an end", (socket: TLSSocket) => socket.write("x".repeat(100_000))],
])("%s is no answer", async (_, answer) => {
  await serveRaw(answer);
  expect(await ask(n1, ["127.0.0.1"])).toHaveProperty("failure");
});

test("an answer that comes too late is dropped", async () => {
  await serveRaw((socket) => setTimeout(() => socket.end(`${JSON.stringify(helloOf("n2"))}\n`), 2600));
  const begun = performance.now();
  expect(await ask(n1, ["127.0.0.1"])).toEqual({ failure: "no answer within 2000 ms" });
  expect(performance.now() - begun).toBeLessThan(5000);
});

test("a question that is none ends its connection and is told", async () => {
  const seen = serve();
  const read = (name: string) => readFileSync(join(n1, name));
  const socket = connect({
    port,
    host: "127.0.0.1",
    ca: read("site-ca.crt"),
    cert: read("agent.crt"),
    key: read("agent.key"),
    checkServerIdentity: () => undefined,
  });
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("error", () => {}).on("data", () => {});
  socket.write('{"site":"store-0042"}\n');
  await closed;
  expect(seen).toEqual({ greeted: [], refused: [expect.stringContaining("node is missing")] });
});
