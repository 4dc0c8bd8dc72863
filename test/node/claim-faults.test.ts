import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { WitnessRequest } from "../../components/arbiter/agent/world.ts";
import { Claimant, type Ended, SITE } from "./claimant.ts";
import { Dice } from "./dice.ts";
import { type Fault, FaultProxy } from "./fault-proxy.ts";
import { openFiles } from "./open-files.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

/** Generations whose claim meets faults. The seed of a failed run is in its message. */
const GENERATIONS = Number(process.env.TANDEM_FAULTS ?? 300);
const SEED = Number(process.env.TANDEM_SEED ?? Date.now() % 1_000_000);
const LANES = 40;
/** The longest question: a folder is staged with two requests, moved after a reading that may be repeated; 1 s each. */
const QUESTION_MS = 3000;
/** What a busy machine may add. */
const SLACK_MS = 5000;
/** From here on nothing goes wrong any more, so that every question is decided in the end. */
const FAULTY_ATTEMPTS = 5;
/** A question on a path without faults may still be too late on a busy machine. */
const CALM_ATTEMPTS = 10;

const incarnation = "0123456789abcdef0123456789abcdef";
let certificates: SiteCertificates;
let server: WitnessServer;
let pki: Record<string, string>;
let proxies: FaultProxy[];
let claimants: Claimant[];
let undecided = 0;
/** Runs that ended undecided although their MOVE had won: its answer was lost. */
let wonUnheard = 0;

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  server = await WitnessServer.create();
  await server.addSite(SITE, ["n1", "n2"], certificates);
  await server.start();
  server.makeTree(SITE, incarnation);
  pki = { n1: await certificates.node("n1"), n2: await certificates.node("n2") };
});
afterAll(async () => {
  await server.remove();
  certificates.remove();
});
beforeEach(() => {
  proxies = [];
  claimants = [];
});
afterEach(() => {
  for (const claimant of claimants) claimant.close();
  for (const proxy of proxies) proxy.close();
});

interface Side {
  claimant: Claimant;
  proxy: FaultProxy;
}

async function side(node: string, sibling: string): Promise<Side> {
  const proxy = await FaultProxy.to(server.port);
  const claimant = new Claimant({ node, sibling, incarnation, port: proxy.port, pki: pki[node] ?? "" });
  proxies.push(proxy);
  claimants.push(claimant);
  return { claimant, proxy };
}

const path = (gen: string, k: number, file: string) =>
  join(server.tree(SITE), incarnation, "claims", `${gen}.${k}`, file);
const owner = (gen: string, k: number) => readFileSync(path(gen, k, "owner"), "utf8");

/** What the tree says at the moment of the verdict; nobody releases meanwhile. */
function compare(node: string, gen: string, { verdict, key, alarm }: Ended): void {
  expect(alarm).toBe(null);
  if (verdict === "undecided") {
    undecided++;
    if (existsSync(path(gen, key.k, "owner")) && owner(gen, key.k) === node) wonUnheard++;
    return;
  }
  expect(owner(gen, key.k) === node).toBe(verdict === "won");
  expect(existsSync(path(gen, key.k, "released"))).toBe(false);
}

/** Number k + 1 is asked for only when k is released on the disk. */
function watch({ claimant }: Side): void {
  claimant.watch = (request: WitnessRequest) => {
    if (!("key" in request) || request.key.k === 0) return;
    expect(existsSync(path(request.key.gen, request.key.k - 1, "released"))).toBe(true);
  };
}

function anyFault(dice: Dice): Fault | null {
  if (dice.chance(0.15)) return null;
  const how = dice.of<Fault["how"]>("close", "reset", "half", "mute", "late", "garbage", "crawl");
  return {
    way: dice.of("up", "down"),
    // A TLS handshake is two to three thousand bytes each way, the questions are some hundreds each.
    after: dice.below(dice.of(3000, 6000)),
    how,
    // Some of it is later than the client waits.
    pauseMs: how === "late" ? dice.of(5, 300, 1500) : 1,
    perPause: dice.of(8, 64),
  };
}

/** A fault in the next question or two of a connection that is open. */
const soon = (dice: Dice): Fault => ({ ...(anyFault(dice) ?? { way: "up", how: "close" }), after: dice.below(900) });

/** Asks until there is a verdict, as the agent does, with faults in the first attempts. */
async function decide({ claimant, proxy }: Side, gen: string, dice: Dice): Promise<Ended> {
  for (let attempt = 0; ; attempt++) {
    if (attempt === FAULTY_ATTEMPTS) {
      proxy.plan = () => null;
      proxy.cut();
    } else if (dice.chance(0.4)) proxy.inject(soon(dice));
    if (dice.chance(0.15)) claimant.restart();
    const ended = await claimant.run("claim", gen);
    compare(claimant.node, gen, ended);
    if (ended.verdict !== "undecided") return ended;
    expect(attempt, "undecided on a path without faults").toBeLessThan(FAULTY_ATTEMPTS + CALM_ATTEMPTS);
  }
}

test(`${GENERATIONS} generations through every fault of the path, seed ${SEED}`, async () => {
  const begun = openFiles();
  const expected: string[] = [];
  let next = 0;

  async function one(sides: readonly [Side, Side], number: number): Promise<void> {
    const dice = new Dice(SEED * 10_000 + number);
    const gen = (BigInt(number) * 2n + 0x68798eae00000000n).toString(16).toUpperCase();
    for (const each of sides) {
      watch(each);
      each.proxy.plan = () => anyFault(dice);
      each.proxy.cut();
    }
    if (dice.chance(0.5)) await Promise.all(sides.map(({ claimant }) => claimant.run("stage", gen)));
    const ends = await Promise.all(sides.map((each) => decide(each, gen, dice)));
    expect(ends.map(({ verdict }) => verdict).sort()).toEqual(["lost", "won"]);
    expect(ends.map(({ key }) => key.k)).toEqual([0, 0]);
    expected.push(`${gen}.0`);
    if (dice.chance(0.5)) return;

    const winner = sides[ends[0]?.verdict === "won" ? 0 : 1];
    for (const each of sides) each.proxy.plan = () => anyFault(dice);
    for (let attempt = 0; ; attempt++) {
      if (attempt === FAULTY_ATTEMPTS) {
        winner.proxy.plan = () => null;
        winner.proxy.cut();
      } else if (dice.chance(0.7)) winner.proxy.inject(soon(dice));
      if (await winner.claimant.tidy(gen)) break;
    }
    expect(readFileSync(path(gen, 0, "released"), "utf8")).toBe(winner.claimant.node);
    const again = await Promise.all(sides.map((each) => decide(each, gen, dice)));
    expect(again.map(({ verdict }) => verdict).sort()).toEqual(["lost", "won"]);
    expect(again.map(({ key }) => key.k)).toEqual([1, 1]);
    expected.push(`${gen}.1`);
  }

  await Promise.all(
    Array.from({ length: LANES }, async () => {
      const sides = [await side("n1", "n2"), await side("n2", "n1")] as const;
      while (next < GENERATIONS) await one(sides, next++);
    }),
  );
  expect(readdirSync(join(server.tree(SITE), incarnation, "claims")).sort()).toEqual(expected.sort());
  // Otherwise the faults have missed what they are for.
  expect(undecided).toBeGreaterThan(GENERATIONS / 4);
  expect(wonUnheard).toBeGreaterThan(GENERATIONS / 50);
  const longestMs = Math.max(...claimants.map((claimant) => claimant.longestMs));
  expect(longestMs).toBeLessThan(QUESTION_MS + SLACK_MS);
  for (const claimant of claimants) claimant.close();
  for (const proxy of proxies) proxy.close();
  await expect.poll(() => openFiles(), { timeout: 20_000 }).toBeLessThanOrEqual(begun);
}, 300_000);
