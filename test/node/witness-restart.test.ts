import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Claimant, type Ended, SITE } from "./claimant.ts";
import { Dice } from "./dice.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const SEED = Number(process.env.TANDEM_SEED ?? Date.now() % 1_000_000);
const LANES = 8;
const TROUBLE_MS = 8000;

const incarnation = "0123456789abcdef0123456789abcdef";
const newer = "fedcba9876543210fedcba9876543210";

let certificates: SiteCertificates;
let pki: Record<string, string>;
let server: WitnessServer;
let claimants: Claimant[];

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  pki = { n1: await certificates.node("n1"), n2: await certificates.node("n2") };
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  claimants = [];
  server = await WitnessServer.create();
  await server.addSite(SITE, ["n1", "n2"], certificates);
  await server.start();
  server.makeTree(SITE, incarnation);
});
afterEach(async () => {
  for (const claimant of claimants) claimant.close();
  await server.remove();
});

function pair(): readonly [Claimant, Claimant] {
  const node = (node: string, sibling: string) =>
    new Claimant({ node, sibling, incarnation, port: server.port, pki: pki[node] ?? "" });
  const both = [node("n1", "n2"), node("n2", "n1")] as const;
  claimants.push(...both);
  return both;
}

const claims = () => join(server.tree(SITE), incarnation, "claims");
const owner = (gen: string, k: number) => readFileSync(join(claims(), `${gen}.${k}`, "owner"), "utf8");
const generation = (number: number) => (BigInt(number) * 2n + 0x68798eae00000000n).toString(16).toUpperCase();

function workers(): number[] {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8");
  return children.trim().split(" ").filter(Boolean).map(Number);
}

async function disturb(dice: Dice): Promise<void> {
  switch (dice.below(4)) {
    case 0:
      await server.stop();
      await sleep(dice.below(400));
      await server.start();
      return;
    case 1:
      process.kill(server.pid, "SIGHUP");
      return;
    default:
      for (const worker of workers()) if (dice.chance(0.7)) process.kill(worker, "SIGKILL");
  }
}

test(`nginx is restarted, reloaded and killed under the claims: each is decided once it runs again, seed ${SEED}`, async () => {
  const dice = new Dice(SEED);
  const expected: string[] = [];
  let [next, undecided, over] = [0, 0, false];

  async function decide(claimant: Claimant, gen: string): Promise<Ended> {
    for (let calm = 0; ; ) {
      const ended = await claimant.run("claim", gen);
      expect(ended.alarm).toBe(null);
      if (ended.verdict !== "undecided") {
        expect(owner(gen, ended.key.k) === claimant.node).toBe(ended.verdict === "won");
        return ended;
      }
      undecided++;
      if (over) expect(++calm, "undecided although nginx runs").toBeLessThan(10);
      await sleep(20);
    }
  }

  async function lane(): Promise<void> {
    const both = pair();
    while (!over) {
      const gen = generation(next++);
      for (const k of [0, 1]) {
        const ends = await Promise.all(both.map((claimant) => decide(claimant, gen)));
        expect(ends.map(({ verdict }) => verdict).sort()).toEqual(["lost", "won"]);
        expect(ends.map(({ key }) => key.k)).toEqual([k, k]);
        expected.push(`${gen}.${k}`);
        const winner = both[ends[0]?.verdict === "won" ? 0 : 1];
        if (k === 0) while (!(await winner.tidy(gen))) await sleep(20);
      }
    }
  }

  async function trouble(): Promise<void> {
    for (const end = performance.now() + TROUBLE_MS; performance.now() < end; ) {
      await sleep(100 + dice.below(300));
      await disturb(dice);
    }
    over = true;
  }

  await Promise.all([trouble(), ...Array.from({ length: LANES }, lane)]);
  expect(readdirSync(claims()).sort()).toEqual(expected.sort());
  expect(undecided).toBeGreaterThan(0);
  expect(expected.length).toBeGreaterThan(10);
});

test("a claim in a tree that went with its storage stays undecided, and brings nothing of it back", async () => {
  const both = pair();
  const [won, open] = [generation(0), generation(1)];
  for (const claimant of both) {
    await claimant.run("stage", won);
    await claimant.run("stage", open);
    await claimant.run("claim", won);
  }
  rmSync(join(server.tree(SITE), incarnation), { recursive: true });
  server.makeTree(SITE, newer);
  for (const claimant of both) {
    for (const purpose of ["claim", "look", "tidy", "stage"] as const) {
      for (const gen of [won, open]) {
        const { verdict, alarm } = await claimant.run(purpose, gen);
        expect({ verdict, alarm }).toEqual({ verdict: "undecided", alarm: null });
      }
    }
    expect(await claimant.client.ask({ verb: "incarnation" })).toEqual({ status: 200, body: newer });
  }
  expect(existsSync(join(server.tree(SITE), incarnation))).toBe(false);
  expect(readdirSync(join(server.tree(SITE), newer, "claims"))).toEqual([]);
});
