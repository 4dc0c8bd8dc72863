import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { guideConfiguration, guideSubject } from "./own-witness.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const site = "store-0042";
const neighbour = "store-0043";
const incarnation = "0123456789abcdef0123456789abcdef";
const older = "fedcba9876543210fedcba9876543210";
const gen = "68798EAEE4968C1A";

let certificates: SiteCertificates;
let neighbours: SiteCertificates;
/** The product's configuration for two sites, and that of docs/witness.md for the same two. */
let managed: WitnessServer;
let own: WitnessServer;
/** Which of them is asked. */
let server: WitnessServer;
/** Folders with the credentials of node one, of node two, and of the neighbour site's node one. */
let pki: Record<"n1" | "n2" | "stranger", string>;

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  neighbours = await SiteCertificates.create();
  managed = await WitnessServer.create();
  await managed.addSite(site, ["n1", "n2"], certificates);
  await managed.addSite(neighbour, ["n1", "n2"], neighbours);
  await managed.start();
  own = await WitnessServer.create();
  await own.addOwn(guideConfiguration([site, neighbour]), [site, neighbour], certificates);
  await own.start();
});

afterAll(async () => {
  await managed.remove();
  await own.remove();
  certificates.remove();
  neighbours.remove();
});

async function askManaged(): Promise<void> {
  server = managed;
  pki = { n1: await certificates.node("n1"), n2: await certificates.node("n2"), stranger: await neighbours.node("n1") };
}

async function askOwn(): Promise<void> {
  server = own;
  const node = (name: string, of = site) => certificates.node(guideSubject(name, of));
  pki = { n1: await node("n1"), n2: await node("n2"), stranger: await node("n1", neighbour) };
}

const hostOf = (of: string) => (server === managed ? `${of}.tandem-witness` : "localhost");

beforeEach(() => {
  for (const tree of [server.tree(site), server.tree(neighbour)])
    for (const name of readdirSync(tree)) if (name !== ".body") rmSync(join(tree, name), { recursive: true });
  server.makeTree(site, incarnation);
  server.makeTree(neighbour, older);
});

/** Whatever lies in both trees. */
function listing(): string[] {
  return [site, neighbour].flatMap((of) =>
    readdirSync(server.tree(of), { recursive: true, encoding: "utf8" })
      .filter((path) => !path.startsWith(".body"))
      .map((path) => join(of, path))
      .sort(),
  );
}

interface Sent {
  as?: keyof typeof pki | "nobody";
  to?: string;
  /** Where a MOVE goes, with what it says of overwriting. */
  target?: string;
  overwrite?: "F" | "T" | "unsaid";
  headers?: OutgoingHttpHeaders;
  body?: string;
}

/** @returns status and body; `no answer` where TLS or the connection is refused */
function send(
  method: string,
  path: string,
  { as = "n1", to = site, target, overwrite = "F", headers = {}, body }: Sent = {},
): Promise<string> {
  const move: OutgoingHttpHeaders = target === undefined ? {} : { Destination: `https://${hostOf(to)}${target}` };
  if (target !== undefined && overwrite !== "unsaid") move.Overwrite = overwrite;
  const credential = as === "nobody" ? {} : credentials(pki[as]);
  return new Promise((resolve) => {
    const asked = request({
      host: "127.0.0.1",
      port: server.port,
      servername: hostOf(to),
      ca: [certificates.authorityPem, neighbours.authorityPem],
      ...credential,
      method,
      path,
      headers: { Host: hostOf(to), ...move, ...headers },
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
async function stage(node: "n1" | "n2", k = 0): Promise<void> {
  expect(await send("MKCOL", staging(node, k), { as: node })).toBe("201");
  expect(await send("PUT", `${staging(node, k)}owner`, { as: node, body: node })).toBe("201");
}

describe.each([
  ["the product's configuration", askManaged],
  ["the configuration in docs/witness.md", askOwn],
])("with %s:", (_whose, ask) => {
  beforeAll(ask);

  describe("a claim", () => {
    it("is won by the first MOVE, with 201; the second has 412, and the owner stays", async () => {
      await stage("n1");
      await stage("n2");
      expect(await send("MOVE", staging("n1"), { target: claim() })).toBe("201");
      expect(await send("MOVE", staging("n2"), { as: "n2", target: claim() })).toBe("412");
      expect(readFileSync(join(server.tree(site), incarnation, "claims", `${gen}.0`, "owner"), "utf8")).toBe("n1");
    });

    it("that was not staged cannot be moved, and makes no folder", async () => {
      expect(await send("MOVE", staging("n1"), { target: claim() })).toBe("404");
      expect(readdirSync(join(server.tree(site), incarnation, "claims"))).toEqual([]);
    });

    it("is released and collected", async () => {
      await stage("n1");
      await send("MOVE", staging("n1"), { target: claim() });
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
      expect(await send("MOVE", staging("n2", 1), { as: "n2", target: claim(1) })).toBe("201");
    });

    const forbidden: [string, string, string, Sent?][] = [
      ["stage in its sibling's name", "MKCOL", staging("n2", 5)],
      ["write into its sibling's staging folder", "PUT", `${staging("n2")}owner`, { body: "n1" }],
      ["move its sibling's staging folder", "MOVE", staging("n2"), { target: claim() }],
      ["delete its sibling's staging folder", "DELETE", staging("n2")],
      ["claim over an existing claim", "MOVE", staging("n1"), { target: claim(1), overwrite: "T" }],
      ["claim without saying `Overwrite: F`", "MOVE", staging("n1"), { target: claim(), overwrite: "unsaid" }],
      ["claim another number than it staged", "MOVE", staging("n1"), { target: claim(7) }],
      ["claim in another incarnation", "MOVE", staging("n1"), { target: claim(0, older) }],
      ["move a folder out of the claims", "MOVE", claim(1), { target: staging("n1", 9) }],
      ["hide a target behind escapes", "MOVE", staging("n1"), { target: `${claim(0)}%2e%2e/${gen}.1/` }],
      ["hide a target behind dots", "MOVE", staging("n1"), { target: `${claim(0)}../${gen}.1/` }],
      ["rewrite who owns a claim", "PUT", `${claim(1)}owner`, { body: "n1" }],
      ["delete the owner of a claim", "DELETE", `${claim(1)}owner`],
      ["make a claim without moving", "MKCOL", claim(2)],
      ["write the incarnation token", "PUT", `/${site}/incarnation`, { body: older }],
      ["make an incarnation", "MKCOL", `/${site}/${older}/`],
      ["delete an incarnation", "DELETE", `/${site}/${incarnation}/`],
      ["delete all claims", "DELETE", `/${site}/${incarnation}/claims/`],
      ["delete the site", "DELETE", `/${site}/`],
      ["claim in another site's tree", "MOVE", staging("n1"), { target: `/${neighbour}/${older}/claims/${gen}.0/` }],
      ["copy", "COPY", staging("n1"), { target: claim() }],
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
  });

  describe("a restart of nginx", () => {
    it("leaves the tree as it is", async () => {
      await stage("n1");
      await send("MOVE", staging("n1"), { target: claim() });
      await server.stop();
      await server.start();
      expect(await send("GET", `/${site}/incarnation`)).toBe("200");
      expect(await send("GET", `${claim()}owner`)).toBe("200");
    });
  });
});

describe("who may ask the product's own", () => {
  beforeAll(askManaged);

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
    expect(await send("GET", `/${site}/incarnation`)).toBe("200");
    pki = { ...pki, stranger: await neighbours.node("n1") };
    expect(await send("GET", `/${neighbour}/incarnation`, { as: "stranger", to: neighbour })).toBe("200");
  });
});

describe("who may ask one server for several sites, as docs/witness.md has it", () => {
  beforeAll(askOwn);

  it("nobody without a certificate, or with one of another authority", async () => {
    expect(await send("GET", `/${site}/incarnation`, { as: "nobody" })).toBe("400");
    pki = { ...pki, stranger: await neighbours.node(guideSubject("n1")) };
    expect(await send("GET", `/${site}/incarnation`, { as: "stranger" })).toBe("400");
    await askOwn();
  });

  it("each node for its own site", async () => {
    expect(await send("GET", `/${site}/incarnation`)).toBe("200");
    expect(await send("GET", `/${neighbour}/incarnation`, { as: "stranger" })).toBe("200");
  });

  const refused: [string, string, string, Sent?][] = [
    ["read the token", "GET", `/${neighbour}/incarnation`],
    ["stage", "MKCOL", `/${neighbour}/${older}/staging/n1-${gen}.0/`],
    ["release", "PUT", `/${neighbour}/${older}/claims/${gen}.0/released`, { body: "n1" }],
    ["clear away", "DELETE", `/${neighbour}/${older}/claims/${gen}.0/`],
    ["read the token by dots", "GET", `/${site}/../${neighbour}/incarnation`],
  ];

  it.each(refused)("no node for another site: %s", async (_what, method, path, sent) => {
    const theirs = `/${neighbour}/${older}/staging/n1-${gen}.0/`;
    const claimed = { as: "stranger", target: `/${neighbour}/${older}/claims/${gen}.0/` } as const;
    expect(await send("MKCOL", theirs, { as: "stranger" })).toBe("201");
    expect(await send("MOVE", theirs, claimed)).toBe("201");
    const before = listing();
    expect(await send(method, path, sent)).toBe("403");
    expect(listing()).toEqual(before);
  });

  it("no program that is no node", async () => {
    pki = { ...pki, stranger: await certificates.node(guideSubject("admin")) };
    expect(await send("GET", `/${site}/incarnation`, { as: "stranger" })).toBe("403");
  });
});
