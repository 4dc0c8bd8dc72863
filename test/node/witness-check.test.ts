import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkWitness } from "../../components/cli/witness-check/check.ts";
import { type WitnessAddress, WitnessExchange } from "../../components/cli/witness-check/exchange.ts";
import { SiteCertificates, write } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const site = "store-0042";
const incarnation = "0123456789abcdef0123456789abcdef";

let certificates: SiteCertificates;
let strangers: SiteCertificates;
let server: WitnessServer;
/** Folder with the credentials of node one. */
let node: string;

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  strangers = await SiteCertificates.create();
  server = await WitnessServer.create();
  await server.addSite(site, ["n1", "n2"], certificates);
  node = await certificates.node("n1");
  await server.start();
});

afterAll(async () => {
  await server.remove();
  certificates.remove();
  strangers.remove();
});

beforeEach(() => {
  server.makeTree(site, incarnation);
});

describe("tandem witness-check", () => {
  const address = (): WitnessAddress => ({
    site,
    node: "n1",
    url: `https://127.0.0.1:${server.port}`,
    servername: `${site}.tandem-witness`,
    pki: node,
  });

  async function check(at: WitnessAddress): Promise<void> {
    write(at.pki, "witness-ca.crt", certificates.authorityPem);
    const exchange = new WitnessExchange(at);
    try {
      await checkWitness((question) => exchange.ask(question), at, 0);
    } finally {
      exchange.close();
    }
  }

  it("finds nothing against the product's own witness, and leaves nothing there", async () => {
    await check(address());
    await check(address());
    expect(readdirSync(join(server.tree(site), incarnation, "claims"))).toEqual([]);
    expect(readdirSync(join(server.tree(site), incarnation, "staging"))).toEqual([]);
  });

  it("tells of a witness without a tree", async () => {
    rmSync(join(server.tree(site), "incarnation"));
    await expect(check(address())).rejects.toThrow(
      `https://127.0.0.1:${server.port}/${site} answered the incarnation token with 404: there is no such folder; the site's ` +
        "folder with `incarnation` and `<incarnation>/{staging,claims}/` must be made on the witness.",
    );
  });

  it("tells of a server that shows another certificate", async () => {
    await expect(check({ ...address(), servername: null })).rejects.toThrow(
      `https://127.0.0.1:${server.port}/${site} cannot be asked for the incarnation token: its certificate is for another name; ` +
        "correct the address, or the server's certificate.",
    );
  });

  it("tells of a client certificate that the witness does not know", async () => {
    await expect(check({ ...address(), pki: await strangers.node("n1") })).rejects.toThrow(
      "answered the incarnation token with 400: it refused this node's client certificate",
    );
  });

  it("tells of a server that is not there", async () => {
    await expect(check({ ...address(), url: "https://127.0.0.1:1" })).rejects.toThrow(
      `https://127.0.0.1:1/${site} cannot be asked for the incarnation token: nothing listens there; start the web server, or ` +
        "correct the address.",
    );
  });
});

describe("tandem witness-check against a server that", () => {
  const address: WitnessAddress = { site, node: "n1", url: "https://w", servername: null, pki: "" };
  const answers = (odd: Record<string, number>) => {
    const owners = new Map<string, string>();
    const usual: Record<string, number> = { GET: 200, MKCOL: 201, PUT: 201, MOVE: 201, "MOVE again": 412, DELETE: 204 };
    return checkWitness(
      async ({ method, path, body, destination }) => {
        if (method === "PUT" && path.endsWith("owner")) owners.set("staged", body ?? "");
        const again = method === "MOVE" && owners.has("claimed");
        const kind = again ? "MOVE again" : method;
        if (destination !== undefined && !again) owners.set("claimed", owners.get("staged") ?? "");
        const status = odd[kind] ?? usual[kind] ?? 500;
        return { status, body: path === "incarnation" ? incarnation : (owners.get("claimed") ?? "") };
      },
      address,
      0,
    );
  };

  it("keeps to the protocol has nothing told of it", async () => {
    await expect(answers({})).resolves.toBeUndefined();
  });

  it.each<[string, Record<string, number>, string]>([
    [
      "overwrites a claim",
      { "MOVE again": 204 },
      "https://w/store-0042 answered the MOVE onto a claim that exists with 204: the protocol has no such answer; see the " +
        "documentation of the witness. With this witness both nodes could win; it must honour `Overwrite: F`.",
    ],
    [
      "knows no WebDAV",
      { MKCOL: 405 },
      "https://w/store-0042 answered MKCOL in the staging folder with 405: it does not offer WebDAV there; PUT, DELETE, MKCOL and MOVE are needed.",
    ],
    [
      "takes no body",
      { PUT: 413 },
      "https://w/store-0042 answered PUT in the staging folder with 413: it refuses even a few bytes as too large; raise its limit for request bodies.",
    ],
    [
      "is full",
      { PUT: 507 },
      "https://w/store-0042 answered PUT in the staging folder with 507: its storage is full; give it room, and clear what is not a claim.",
    ],
    [
      "forbids the MOVE",
      { MOVE: 403 },
      "https://w/store-0042 answered the MOVE of a staged folder to a claim with 403: it refused this node; a node needs to read the site's folder, and to write its own staging folders and the claims.",
    ],
  ])("%s", async (_what, odd, message) => {
    await expect(answers(odd)).rejects.toThrow(message);
  });
});
