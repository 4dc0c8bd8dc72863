import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { WitnessClient } from "../../components/arbiter/agent/linux/witness.ts";
import type { WitnessAnswer } from "../../components/arbiter/agent/world.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const site = "store-0042";
const gen = "68798EAEE4968C1A";

let certificates: SiteCertificates;
let server: WitnessServer;
let incarnation: string;
let clients: WitnessClient[];
let relays: Server[];

function renewTree(): void {
  incarnation = randomBytes(16).toString("hex");
  server.makeTree(site, incarnation);
}

async function client(node: string, atPort = server.port): Promise<WitnessClient> {
  const made = new WitnessClient({
    site,
    node,
    witness: { url: `https://127.0.0.1:${atPort}`, servername: `${site}.tandem-witness`, ca: "site-ca.crt" },
    pki: await certificates.node(node),
  });
  clients.push(made);
  return made;
}

const key = (k: number, generation = gen) => ({ incarnation, gen: generation, k });
const status = (answer: WitnessAnswer) => (answer === "silence" ? answer : answer.status);
const inTree = (path: string) => join(server.tree(site), incarnation, path);

/** A path to nginx that a test can make deaf. */
async function relay(): Promise<{ port: number; deaf(): void; lose(): void; connections(): number }> {
  let mode: "pass" | "deaf" | "lose" = "pass";
  let connections = 0;
  const listener = createServer((from: Socket) => {
    connections++;
    const to = connect(server.port, "127.0.0.1");
    from.on("data", (data) => {
      if (mode !== "deaf") to.write(data);
    });
    to.on("data", (data) => {
      if (mode === "pass") from.write(data);
    });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  relays.push(listener);
  return {
    port: (listener.address() as { port: number }).port,
    deaf: () => {
      mode = "deaf";
    },
    lose: () => {
      mode = "lose";
    },
    connections: () => connections,
  };
}

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  server = await WitnessServer.create();
  await server.addSite(site, ["n1", "n2"], certificates);
  await server.start();
});
afterAll(async () => {
  await server.remove();
  certificates.remove();
});
beforeEach(() => {
  clients = [];
  relays = [];
  renewTree();
});
afterEach(() => {
  for (const made of clients) made.close();
  for (const listener of relays) listener.close();
});

test("the incarnation is the token alone, without the end of its line", async () => {
  writeFileSync(join(server.tree(site), "incarnation"), `${incarnation}\n`);
  expect(await (await client("n1")).ask({ verb: "incarnation" })).toEqual({ status: 200, body: incarnation });
});

test("a missing incarnation folder refuses the stage and is not made", async () => {
  const n1 = await client("n1");
  const gone = "0".repeat(32);
  expect(status(await n1.ask({ verb: "stage", key: { ...key(0), incarnation: gone } }))).toBe(409);
  expect(existsSync(join(server.tree(site), gone))).toBe(false);
});

test("staged, claimed, released: the owner file comes with the folder", async () => {
  const [n1, n2] = [await client("n1"), await client("n2")];
  expect(status(await n1.ask({ verb: "stage", key: key(0) }))).toBe(201);
  expect(status(await n2.ask({ verb: "stage", key: key(0) }))).toBe(201);
  expect(status(await n1.ask({ verb: "move", key: key(0) }))).toBe(201);
  expect(status(await n2.ask({ verb: "move", key: key(0) }))).toBe(412);
  expect(await n2.ask({ verb: "owner", key: key(0) })).toEqual({ status: 200, body: "n1" });
  expect(status(await n2.ask({ verb: "released", key: key(0) }))).toBe(404);
  expect(status(await n1.ask({ verb: "release", key: key(0) }))).toBe(201);
  expect(status(await n1.ask({ verb: "release", key: key(0) }))).toBe(204);
  expect(status(await n2.ask({ verb: "released", key: key(0) }))).toBe(200);
});

test("staging again what is staged is a success", async () => {
  const n1 = await client("n1");
  await n1.ask({ verb: "stage", key: key(0) });
  expect(status(await n1.ask({ verb: "stage", key: key(0) }))).toBe(201);
});

test("two nodes that claim at once: one wins, and the owner file is the winner's", async () => {
  const [n1, n2] = [await client("n1"), await client("n2")];
  for (let k = 0; k < 100; k++) {
    await Promise.all([n1, n2].map((one) => one.ask({ verb: "stage", key: key(k) })));
    const answers = await Promise.all([n1, n2].map((one) => one.ask({ verb: "move", key: key(k) })));
    const won = answers.map((answer) => status(answer) === 201);
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(readFileSync(inTree(`claims/${gen}.${k}/owner`), "utf8")).toBe(won[0] ? "n1" : "n2");
  }
});

test("a folder without its owner inside is not moved, but asked to be staged again", async () => {
  const n1 = await client("n1");
  mkdirSync(inTree(`staging/n1-${gen}.0`));
  expect(status(await n1.ask({ verb: "move", key: key(0) }))).toBe(404);
  expect(existsSync(inTree(`claims/${gen}.0`))).toBe(false);
  await n1.ask({ verb: "stage", key: key(0) });
  expect(status(await n1.ask({ verb: "move", key: key(0) }))).toBe(201);
});

test("an agent that was restarted claims what its predecessor staged", async () => {
  await (await client("n1")).ask({ verb: "stage", key: key(0) });
  expect(status(await (await client("n1")).ask({ verb: "move", key: key(0) }))).toBe(201);
});

test("one certificate cannot claim in the other node's name", async () => {
  const impostor = new WitnessClient({
    site,
    node: "n2",
    witness: { url: `https://127.0.0.1:${server.port}`, servername: `${site}.tandem-witness`, ca: "site-ca.crt" },
    pki: await certificates.node("n1"),
  });
  clients.push(impostor);
  expect(status(await impostor.ask({ verb: "stage", key: key(0) }))).toBe(403);
});

test("a witness of another authority is silence", async () => {
  const other = await SiteCertificates.create();
  const n1 = new WitnessClient({
    site,
    node: "n1",
    witness: { url: `https://127.0.0.1:${server.port}`, servername: `${site}.tandem-witness`, ca: "site-ca.crt" },
    pki: await other.node("n1"),
  });
  clients.push(n1);
  expect(await n1.ask({ verb: "incarnation" })).toBe("silence");
  other.remove();
});

test("something else in the witness's place is silence: its page is no token", async () => {
  writeFileSync(join(server.tree(site), "incarnation"), "<html>please log in</html>");
  expect(await (await client("n1")).ask({ verb: "incarnation" })).toBe("silence");
});

test("questions share one connection", async () => {
  const path = await relay();
  const n1 = await client("n1", path.port);
  for (let i = 0; i < 5; i++) await n1.ask({ verb: "incarnation" });
  expect(path.connections()).toBe(1);
});

test("a witness that does not answer is silence within a second", async () => {
  const path = await relay();
  const n1 = await client("n1", path.port);
  await n1.ask({ verb: "incarnation" });
  path.deaf();
  const begun = performance.now();
  expect(await n1.ask({ verb: "incarnation" })).toBe("silence");
  expect(performance.now() - begun).toBeLessThan(5000);
});

test("a claim whose answer is lost is silence, and asking again finds the owner", async () => {
  const path = await relay();
  const n1 = await client("n1", path.port);
  await n1.ask({ verb: "stage", key: key(0) });
  path.lose();
  expect(await n1.ask({ verb: "move", key: key(0) })).toBe("silence");
  const again = await client("n1");
  expect(status(await again.ask({ verb: "move", key: key(0) }))).toBe(404);
  await again.ask({ verb: "stage", key: key(0) });
  expect(status(await again.ask({ verb: "move", key: key(0) }))).toBe(412);
  expect(await again.ask({ verb: "owner", key: key(0) })).toEqual({ status: 200, body: "n1" });
});

test("a kept connection that the witness closed costs no answer to a question that only reads", async () => {
  const n1 = await client("n1");
  await n1.ask({ verb: "incarnation" });
  await server.stop();
  await server.start();
  expect(await n1.ask({ verb: "incarnation" })).toEqual({ status: 200, body: incarnation });
});

test("collecting leaves the current generations and the sibling's staging", async () => {
  const [n1, n2] = [await client("n1"), await client("n2")];
  const [old, older] = ["1111111111111110", "2222222222222220"];
  await n1.ask({ verb: "stage", key: key(0, old) });
  await n1.ask({ verb: "move", key: key(0, old) });
  await n1.ask({ verb: "stage", key: key(0, older) });
  await n1.ask({ verb: "stage", key: key(0) });
  await n2.ask({ verb: "stage", key: key(0, older) });
  expect(status(await n1.ask({ verb: "collect", incarnation, past: [old, older] }))).toBe(204);
  expect(existsSync(inTree(`claims/${old}.0`))).toBe(false);
  expect(existsSync(inTree(`staging/n1-${older}.0`))).toBe(false);
  expect(existsSync(inTree(`staging/n1-${gen}.0`))).toBe(true);
  expect(existsSync(inTree(`staging/n2-${older}.0`))).toBe(true);
});
