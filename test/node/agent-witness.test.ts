import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { WitnessClient } from "../../components/arbiter/agent/linux/witness.ts";
import type { WitnessAnswer } from "../../components/arbiter/agent/world.ts";
import { witnessFiles } from "../../components/witness.ts";
import { SiteCertificates, write, writePair } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

const site = "store-0042";
const gen = "68798EAEE4968C1A";

let certificates: SiteCertificates;
let root: string;
let port: number;
let nginx: ChildProcess;
let incarnation: string;
let clients: WitnessClient[];
let relays: Server[];

/** The product's own nginx configuration; only its folders are this test's. */
async function startNginx(): Promise<void> {
  root = mkdtempSync(join(tmpdir(), "tandem-nginx-"));
  // nginx's workers are another user, who must be able to pass.
  chmodSync(root, 0o755);
  port = await freePort();
  const { files } = witnessFiles({ site, port, nodes: ["n1", "n2"], storage: { kind: "tmpfs" }, purge: false });
  const conf = files?.[`/etc/nginx/conf.d/tandem-${site}.conf`]?.content ?? "";
  const moved = conf.replaceAll(/ (\/etc\/tandem-witness|\/srv\/tandem-witness|\/var\/log\/nginx)/g, ` ${root}$1`);
  const pki = join(root, "etc/tandem-witness", site);
  writePair(pki, "server", await certificates.issue(`${site}.tandem-witness`, ["server"]));
  write(pki, "ca.crt", certificates.authorityPem);
  for (const folder of ["var/log/nginx", `srv/tandem-witness/${site}`])
    mkdirSync(join(root, folder), { recursive: true });
  renewTree();
  writeFileSync(
    join(root, "nginx.conf"),
    `daemon off; user root; pid ${root}/pid; error_log stderr; events {} http { ${moved} }`,
  );
  await run();
}

async function run(): Promise<void> {
  nginx = spawn("nginx", ["-p", root, "-c", join(root, "nginx.conf")], { stdio: ["ignore", "ignore", "inherit"] });
  for (let left = 200; ; left--) {
    const socket = connect(port, "127.0.0.1");
    const [event] = await Promise.race([once(socket, "connect").then(() => ["connect"]), once(socket, "error")]);
    socket.destroy();
    if (event === "connect") return;
    if (left === 0) throw new Error("nginx does not listen");
    await sleep(25);
  }
}

async function stopNginx(): Promise<void> {
  const ended = once(nginx, "exit");
  nginx.kill();
  await ended;
}

function renewTree(): void {
  incarnation = randomBytes(16).toString("hex");
  const tree = join(root, "srv/tandem-witness", site);
  for (const folder of ["staging", "claims"]) mkdirSync(join(tree, incarnation, folder), { recursive: true });
  writeFileSync(join(tree, "incarnation"), `${incarnation}\n`);
}

async function client(node: string, atPort = port): Promise<WitnessClient> {
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
const inTree = (path: string) => join(root, "srv/tandem-witness", site, incarnation, path);

/** A path to nginx that a test can make deaf. */
async function relay(): Promise<{ port: number; deaf(): void; lose(): void; connections(): number }> {
  let mode: "pass" | "deaf" | "lose" = "pass";
  let connections = 0;
  const server = createServer((from: Socket) => {
    connections++;
    const to = connect(port, "127.0.0.1");
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
  await once(server, "listening");
  relays.push(server);
  return {
    port: (server.address() as { port: number }).port,
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
  await startNginx();
});
afterAll(async () => {
  await stopNginx();
  certificates.remove();
});
beforeEach(() => {
  clients = [];
  relays = [];
  renewTree();
});
afterEach(() => {
  for (const made of clients) made.close();
  for (const server of relays) server.close();
});

test("the incarnation is the token alone", async () => {
  expect(await (await client("n1")).ask({ verb: "incarnation" })).toEqual({ status: 200, body: incarnation });
});

test("a missing incarnation folder refuses the stage and is not made", async () => {
  const n1 = await client("n1");
  const gone = "0".repeat(32);
  expect(status(await n1.ask({ verb: "stage", key: { ...key(0), incarnation: gone } }))).toBe(409);
  expect(existsSync(join(root, "srv/tandem-witness", site, gone))).toBe(false);
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
    witness: { url: `https://127.0.0.1:${port}`, servername: `${site}.tandem-witness`, ca: "site-ca.crt" },
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
    witness: { url: `https://127.0.0.1:${port}`, servername: `${site}.tandem-witness`, ca: "site-ca.crt" },
    pki: await other.node("n1"),
  });
  clients.push(n1);
  expect(await n1.ask({ verb: "incarnation" })).toBe("silence");
  other.remove();
});

test("something else in the witness's place is silence: its page is no token", async () => {
  writeFileSync(join(root, "srv/tandem-witness", site, "incarnation"), "<html>please log in</html>");
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
  expect(performance.now() - begun).toBeLessThan(1500);
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
  await stopNginx();
  await run();
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
