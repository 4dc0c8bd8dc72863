import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const site = "store-0042";
const neighbour = "store-0043";
const incarnation = "0123456789abcdef0123456789abcdef";
const older = "fedcba9876543210fedcba9876543210";
const gen = "68798EAEE4968C1A";

let certificates: SiteCertificates;
let neighbours: SiteCertificates;
let server: WitnessServer;
/** Folders with the credentials of node one, of node two, and of the neighbour site's node one. */
let pki: Record<"n1" | "n2" | "stranger", string>;

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  neighbours = await SiteCertificates.create();
  server = await WitnessServer.create();
  await server.addSite(site, ["n1", "n2"], certificates);
  await server.addSite(neighbour, ["n1", "n2"], neighbours);
  pki = { n1: await certificates.node("n1"), n2: await certificates.node("n2"), stranger: await neighbours.node("n1") };
  await server.start();
});

afterAll(async () => {
  await server.remove();
  certificates.remove();
  neighbours.remove();
});

beforeEach(() => {
  for (const name of readdirSync(server.tree(site))) {
    if (name !== ".body") rmSync(join(server.tree(site), name), { recursive: true });
  }
  server.makeTree(site, incarnation);
});

interface Sent {
  as?: keyof typeof pki | "nobody";
  to?: string;
  headers?: OutgoingHttpHeaders;
  body?: string;
}

/** @returns status and body; `no answer` where TLS or the connection is refused */
function send(method: string, path: string, { as = "n1", to = site, headers = {}, body }: Sent = {}): Promise<string> {
  const credential = as === "nobody" ? {} : credentials(pki[as]);
  return new Promise((resolve) => {
    const asked = request({
      host: "127.0.0.1",
      port: server.port,
      servername: `${to}.tandem-witness`,
      ca: [certificates.authorityPem, neighbours.authorityPem],
      ...credential,
      method,
      path,
      headers: { Host: `${to}.tandem-witness`, ...headers },
      agent: false,
    });
    asked.once("error", () => resolve("no answer"));
    asked.once("response", (response) => {
      response.resume();
      response.once("end", () => resolve(String(response.statusCode)));
    });
    asked.end(body);
  });
}

function credentials(folder: string) {
  const file = (name: string) => readFileSync(join(folder, name));
  return { cert: file("witness-client.crt"), key: file("witness-client.key") };
}

const staging = (node: string, k = 0, token = incarnation) => `/${site}/${token}/staging/${node}-${gen}.${k}/`;
const claim = (k = 0, token = incarnation) => `/${site}/${token}/claims/${gen}.${k}/`;
const moveTo = (path: string, overwrite = "F") => ({
  Destination: `https://${site}.tandem-witness${path}`,
  Overwrite: overwrite,
});

async function stage(node: "n1" | "n2", k = 0): Promise<void> {
  expect(await send("MKCOL", staging(node, k), { as: node })).toBe("201");
  expect(await send("PUT", `${staging(node, k)}owner`, { as: node, body: node })).toBe("201");
}

describe("a claim", () => {
  it("is won by the first MOVE, with 201; the second has 412, and the owner stays", async () => {
    await stage("n1");
    await stage("n2");
    expect(await send("MOVE", staging("n1"), { headers: moveTo(claim()) })).toBe("201");
    expect(await send("MOVE", staging("n2"), { as: "n2", headers: moveTo(claim()) })).toBe("412");
    expect(readFileSync(join(server.tree(site), incarnation, "claims", `${gen}.0`, "owner"), "utf8")).toBe("n1");
  });

  it("that was not staged cannot be moved, and makes no folder", async () => {
    expect(await send("MOVE", staging("n1"), { headers: moveTo(claim()) })).toBe("404");
    expect(readdirSync(join(server.tree(site), incarnation, "claims"))).toEqual([]);
  });

  it("is released and collected", async () => {
    await stage("n1");
    await send("MOVE", staging("n1"), { headers: moveTo(claim()) });
    expect(await send("PUT", `${claim()}released`, { body: "n1" })).toBe("201");
    expect(await send("GET", `${claim()}released`, { as: "n2" })).toBe("200");
    expect(await send("DELETE", claim(), { as: "n2" })).toBe("204");
    expect(await send("GET", `${claim()}owner`)).toBe("404");
  });

  it("in an incarnation that is gone is refused, and does not bring it back", async () => {
    expect(await send("MKCOL", staging("n1", 0, older))).toBe("409");
    expect(await send("PUT", `${staging("n1", 0, older)}owner`, { body: "n1" })).toMatch(/^(409|500)$/);
    expect(existsSync(join(server.tree(site), older))).toBe(false);
  });
});

describe("what a node may not do", () => {
  beforeEach(async () => {
    await stage("n1");
    await stage("n2");
    await stage("n2", 1);
    expect(await send("MOVE", staging("n2", 1), { as: "n2", headers: moveTo(claim(1)) })).toBe("201");
  });

  const forbidden: [string, string, string, Sent?][] = [
    ["stage in its sibling's name", "MKCOL", staging("n2", 5)],
    ["write into its sibling's staging folder", "PUT", `${staging("n2")}owner`, { body: "n1" }],
    ["move its sibling's staging folder", "MOVE", staging("n2"), { headers: moveTo(claim()) }],
    ["delete its sibling's staging folder", "DELETE", staging("n2")],
    ["claim over an existing claim", "MOVE", staging("n1"), { headers: moveTo(claim(1), "T") }],
    [
      "claim without saying `Overwrite: F`",
      "MOVE",
      staging("n1"),
      { headers: { Destination: moveTo(claim()).Destination } },
    ],
    ["claim another number than it staged", "MOVE", staging("n1"), { headers: moveTo(claim(7)) }],
    ["claim in another incarnation", "MOVE", staging("n1"), { headers: moveTo(claim(0, older)) }],
    ["move a folder out of the claims", "MOVE", claim(1), { headers: moveTo(staging("n1", 9)) }],
    ["hide a target behind escapes", "MOVE", staging("n1"), { headers: moveTo(`${claim(0)}%2e%2e/${gen}.1/`) }],
    ["hide a target behind dots", "MOVE", staging("n1"), { headers: moveTo(`${claim(0)}../${gen}.1/`) }],
    ["rewrite who owns a claim", "PUT", `${claim(1)}owner`, { body: "n1" }],
    ["delete the owner of a claim", "DELETE", `${claim(1)}owner`],
    ["make a claim without moving", "MKCOL", claim(2)],
    ["write the incarnation token", "PUT", `/${site}/incarnation`, { body: older }],
    ["make an incarnation", "MKCOL", `/${site}/${older}/`],
    ["delete an incarnation", "DELETE", `/${site}/${incarnation}/`],
    ["delete all claims", "DELETE", `/${site}/${incarnation}/claims/`],
    ["delete the site", "DELETE", `/${site}/`],
    ["copy", "COPY", staging("n1"), { headers: moveTo(claim()) }],
    ["write beside the tree", "PUT", `/${site}/note`, { body: "x" }],
  ];

  it.each(forbidden)("%s", async (_what, method, path, sent) => {
    const before = listing();
    expect(await send(method, path, sent)).toBe("403");
    expect(listing()).toEqual(before);
  });

  it("send more than a claim needs", async () => {
    expect(await send("PUT", `${staging("n1")}owner`, { body: "x".repeat(1025) })).toBe("413");
  });

  function listing(): string[] {
    return readdirSync(server.tree(site), { recursive: true, encoding: "utf8" })
      .filter((path) => !path.startsWith(".body"))
      .sort();
  }
});

describe("who may ask", () => {
  it("nobody without a certificate", async () => {
    expect(await send("GET", `/${site}/incarnation`, { as: "nobody" })).toBe("400");
  });

  it("no node of another site, by whatever name", async () => {
    expect(await send("GET", `/${site}/incarnation`, { as: "stranger" })).toBe("400");
    expect(await send("GET", `/${site}/incarnation`, { as: "stranger", to: neighbour })).toBe("404");
    const disguised = { as: "stranger", to: neighbour, headers: { Host: `${site}.tandem-witness` } } as const;
    expect(await send("GET", `/${site}/incarnation`, disguised)).toBe("421");
  });

  it("no program of the site that is no node", async () => {
    const folder = await certificates.node("tandem-admin");
    pki = { ...pki, stranger: folder };
    expect(await send("GET", `/${site}/incarnation`, { as: "stranger" })).toBe("403");
  });

  it("the nodes of each site, on one server", async () => {
    server.makeTree(neighbour, older);
    expect(await send("GET", `/${site}/incarnation`)).toBe("200");
    pki = { ...pki, stranger: await neighbours.node("n1") };
    expect(await send("GET", `/${neighbour}/incarnation`, { as: "stranger", to: neighbour })).toBe("200");
  });
});

describe("a restart of nginx", () => {
  it("leaves the tree as it is", async () => {
    await stage("n1");
    await send("MOVE", staging("n1"), { headers: moveTo(claim()) });
    await server.stop();
    await server.start();
    expect(await send("GET", `/${site}/incarnation`)).toBe("200");
    expect(await send("GET", `${claim()}owner`)).toBe("200");
  });
});
