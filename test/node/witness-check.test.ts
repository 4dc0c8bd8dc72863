import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WitnessClient } from "../../components/arbiter/agent/linux/witness.ts";
import { Failure } from "../../components/cli/verb.ts";
import { checkWitness } from "../../components/cli/witness-check/check.ts";
import { type WitnessAddress, WitnessExchange } from "../../components/cli/witness-check/exchange.ts";
import { guideConfiguration, guideSubject } from "./own-witness.ts";
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
      new Failure(
        `https://127.0.0.1:${server.port}/${site} answered the incarnation token with 404: there is no such folder; the site's ` +
          "folder with `incarnation` and `<incarnation>/{staging,claims}/` must be made on the witness.",
      ),
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
      new Failure(
        `https://127.0.0.1:${server.port}/${site} answered the incarnation token with 400: it refused this node's client certificate, ` +
          "or the request; compare the authority it trusts with the certificate under witness.credentials.",
      ),
    );
  });

  it("tells of a server that is not there", async () => {
    await expect(check({ ...address(), url: "https://127.0.0.1:1" })).rejects.toThrow(
      `https://127.0.0.1:1/${site} cannot be asked for the incarnation token: nothing listens there; start the web server, or ` +
        "correct the address.",
    );
  });
});

describe("tandem witness-check against a witness that somebody else runs, as docs/witness.md describes it", () => {
  let own: WitnessServer;
  let pki: string;

  const run = async (change: (configuration: string) => string = (same) => same) => {
    own = await WitnessServer.create();
    await own.addOwn(change(guideConfiguration()), [site], certificates);
    own.makeTree(site, incarnation);
    await own.start();
    pki = await certificates.node(guideSubject("n1"));
    write(pki, "witness-ca.crt", certificates.authorityPem);
  };
  const address = (): WitnessAddress => ({
    ...{ site, node: "n1", servername: null },
    ...{ url: `https://localhost:${own.port}`, pki },
  });
  const check = async () => {
    const exchange = new WitnessExchange(address());
    try {
      await checkWitness((question) => exchange.ask(question), address(), 0);
    } finally {
      exchange.close();
    }
  };
  afterEach(() => own.remove());

  it("finds nothing against it", async () => {
    await run();
    await check();
    expect(readdirSync(join(own.tree(site), incarnation, "claims"))).toEqual([]);
  });

  it("is what an agent claims, releases and collects with", async () => {
    await run();
    const client = new WitnessClient({
      ...{ site, node: "n1", pki },
      witness: { url: address().url, servername: null, ca: "witness-ca.crt" },
    });
    const key = { incarnation, gen: "68798EAEE4968C1A", k: 0 };
    try {
      expect(await client.ask({ verb: "incarnation" })).toEqual({ status: 200, body: incarnation });
      expect(await client.ask({ verb: "stage", key })).toMatchObject({ status: 201 });
      expect(await client.ask({ verb: "move", key })).toMatchObject({ status: 201 });
      expect(await client.ask({ verb: "owner", key })).toEqual({ status: 200, body: "n1" });
      expect(await client.ask({ verb: "stage", key })).toMatchObject({ status: 201 });
      expect(await client.ask({ verb: "move", key })).toMatchObject({ status: 412 });
      expect(await client.ask({ verb: "release", key })).toMatchObject({ status: 201 });
      expect(await client.ask({ verb: "collect", incarnation, past: [key.gen] })).toMatchObject({ status: 204 });
      expect(readdirSync(join(own.tree(site), incarnation, "claims"))).toEqual([]);
    } finally {
      client.close();
    }
  });

  const failure = (text: string) => new Failure(`https://localhost:${own.port}/${site} ${text}`);

  it("tells of one without WebDAV", async () => {
    await run((configuration) => configuration.replace(/^ *dav_methods .*$/m, ""));
    await expect(check()).rejects.toThrow(
      failure(
        "answered the deletion of a folder with 405: it does not offer WebDAV there; PUT, DELETE, MKCOL and MOVE are needed.",
      ),
    );
  });

  it("tells of one with a certificate of another authority", async () => {
    await run();
    write(pki, "witness-ca.crt", strangers.authorityPem);
    await expect(check()).rejects.toThrow(
      failure(
        "cannot be asked for the incarnation token: its certificate is not signed by the authority in witness.caCertificate; give the " +
          "right authority, or correct the server's certificate.",
      ),
    );
  });

  it("tells of one that does not know the node", async () => {
    await run((configuration) => configuration.replaceAll("n[12]", "n[34]"));
    await expect(check()).rejects.toThrow(
      failure(
        "answered the incarnation token with 403: it refused this node; a node needs to read the site's folder, and to write its own " +
          "staging folders and the claims.",
      ),
    );
  });

  describe("on storage that is full:", () => {
    const fill = async (options: string) => {
      await run();
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", own.tree(site)]);
      own.makeTree(site, incarnation);
      mkdirSync(join(own.tree(site), ".body"));
    };
    afterEach(() => {
      execFileSync("umount", [own.tree(site)]);
    });

    it("no room for a file's contents", async () => {
      await fill("size=8k,nr_inodes=100");
      writeFileSync(join(own.tree(site), "filler"), Buffer.alloc(4096));
      await expect(check()).rejects.toThrow(
        failure(
          "answered PUT in the staging folder with 500: it failed; see its error log (a full file system, or a folder that its user " +
            "cannot write).",
        ),
      );
    });

    it("no room for another file", async () => {
      await fill("nr_inodes=6");
      await expect(check()).rejects.toThrow(
        failure(
          "answered MKCOL in the staging folder with 507: its storage is full; give it room, and clear what is not a claim.",
        ),
      );
    });
  });
});

describe("tandem witness-check against a server that", () => {
  const address: WitnessAddress = { site, node: "n1", url: "https://w", servername: null, pki: "" };
  const answers = (odd: Record<string, number>, listed = ["0000000000000000.0"]) => {
    const owners = new Map<string, string>();
    const usual: Record<string, number> = { GET: 200, MKCOL: 201, PUT: 201, MOVE: 201, "MOVE again": 412, DELETE: 204 };
    return checkWitness(
      async ({ method, path, body, destination }) => {
        if (method === "PUT" && path.endsWith("owner")) owners.set("staged", body ?? "");
        const again = method === "MOVE" && owners.has("claimed");
        const kind = again ? "MOVE again" : method;
        if (destination !== undefined && !again) owners.set("claimed", owners.get("staged") ?? "");
        const status = odd[kind] ?? usual[kind] ?? 500;
        const listing = listed.map((name) => ({ name }));
        if (path.endsWith("/claims/")) return { status, body: JSON.stringify(listing) };
        return { status, body: path === "incarnation" ? incarnation : (owners.get("claimed") ?? "") };
      },
      address,
      0,
    );
  };

  it("lists no claims", async () => {
    await expect(answers({}, [])).rejects.toThrow(
      new Failure(
        "https://w/store-0042: the listing of the claims is no JSON array that names them, so old claims would never be cleared away " +
          "and the witness would fill up; with nginx set `autoindex on` and `autoindex_format json`.",
      ),
    );
  });

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
    await expect(answers(odd)).rejects.toThrow(new Failure(message));
  });
});
