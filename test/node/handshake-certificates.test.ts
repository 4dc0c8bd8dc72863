import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Issued } from "../../components/pki/provider/x509.ts";
import { Answerer, asker, helloOf } from "./siblings.ts";
import { expired, notYetValid, SiteCertificates, writePair } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

let certificates: SiteCertificates;
let others: SiteCertificates;
let n1: string;
let n2: string;
let port: number;
let ends: { close(): void }[];

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  others = await SiteCertificates.create();
  n1 = await certificates.node("n1");
  n2 = await certificates.node("n2");
});
afterAll(() => {
  certificates.remove();
  others.remove();
});
beforeEach(async () => {
  ends = [];
  port = await freePort();
});
afterEach(() => {
  for (const end of ends) end.close();
});

/** Certificates that an impostor of this node might show. */
const wrong: Record<string, (node: string) => Promise<Issued>> = {
  "of another authority": (node) => others.issue(node, ["server", "client"]),
  "that has expired": (node) => certificates.issue(node, ["server", "client"], [node], expired),
  "that is not valid yet": (node) => certificates.issue(node, ["server", "client"], [node], notYetValid),
  "of another node": () => certificates.issue("n3", ["server", "client"]),
  "of another node, with this one's name beside its own": (node) =>
    certificates.issue("n3", ["server", "client"], ["n3", node]),
  "of a longer name": (node) => certificates.issue(`${node}2`, ["server", "client"]),
  "of a name in capitals": (node) => certificates.issue(node.toUpperCase(), ["server", "client"]),
  "of the node that is asked": (node) => certificates.issue(node === "n1" ? "n2" : "n1", ["server", "client"]),
  "of the site's witness": () => certificates.issue("store-0042.tandem-witness", ["server"]),
};

async function credentials(issued: Issued): Promise<string> {
  const folder = await certificates.node("n1");
  writePair(folder, "agent", issued);
  return folder;
}

function answerer(pki = n2): Answerer {
  const made = new Answerer(port, pki);
  ends.push(made);
  return made;
}

test("with the nodes' own certificates the question is answered", async () => {
  answerer();
  expect(await asker(port, n1).ask(helloOf("n1"))).toEqual({ hello: helloOf("n2") });
});

describe("a question under a certificate", () => {
  test.each([
    ...Object.entries(wrong),
    ["for servers only", (node: string) => certificates.issue(node, ["server"])] as const,
  ])("%s is none", async (_, issue) => {
    const seen = answerer();
    const ask = asker(port, await credentials(await issue("n1"))).ask(helloOf("n1"));
    expect(await ask).toHaveProperty("failure");
    expect(seen.greeted).toEqual([]);
  });
});

describe("an answer under a certificate", () => {
  test.each([
    ...Object.entries(wrong),
    ["for clients only", (node: string) => certificates.issue(node, ["client"])] as const,
  ])("%s is none", async (_, issue) => {
    const impostor = answerer(await credentials(await issue("n2")));
    expect(await asker(port, n1).ask(helloOf("n1"))).toHaveProperty("failure");
    expect(impostor.greeted).toEqual([]);
  });
});

test("a question without a certificate, or over an older TLS, is none", async () => {
  const seen = answerer();
  const ca = readFileSync(join(n1, "site-ca.crt"));
  const own = { cert: readFileSync(join(n1, "agent.crt")), key: readFileSync(join(n1, "agent.key")) };
  for (const options of [{}, { ...own, maxVersion: "TLSv1.2" } as const]) {
    const socket = connect({ port, host: "127.0.0.1", ca, ...options, checkServerIdentity: () => undefined });
    socket.on("error", () => {}).on("data", () => expect.unreachable("an answer"));
    socket.write(`${JSON.stringify(helloOf("n1"))}\n`);
    await new Promise((resolve) => socket.once("close", resolve));
  }
  expect(seen.greeted).toEqual([]);
});

test("a server with an older TLS is not asked", async () => {
  const questions: string[] = [];
  const own = { cert: readFileSync(join(n2, "agent.crt")), key: readFileSync(join(n2, "agent.key")) };
  const server = createServer({ ...own, maxVersion: "TLSv1.2" }, (socket) => {
    socket.on("error", () => {}).on("data", (data) => questions.push(String(data)));
  }).on("tlsClientError", () => {});
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  ends.push(server);
  expect(await asker(port, n1).ask(helloOf("n1"))).toHaveProperty("failure");
  expect(questions).toEqual([]);
});
