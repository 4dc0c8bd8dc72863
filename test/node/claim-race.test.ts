import { type ChildProcess, fork } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Order, Report } from "./claim-racer.ts";
import { SITE } from "./claimant.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

/** Of each of these generations two processes claim number 0, and of every fifth number 1 after the release. */
const GENERATIONS = Number(process.env.TANDEM_RACES ?? 3000);
const LANES = 4;
/** Measured are 5; the limit allows for a busy machine. */
const MS_PER_GENERATION = 40;

const incarnation = "0123456789abcdef0123456789abcdef";
const nodes = ["n1", "n2"] as const;
type Node = (typeof nodes)[number];

let certificates: SiteCertificates;
let server: WitnessServer;
let racers: Record<Node, Racer>;

class Racer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (report: Report) => void>();
  #id = 0;

  constructor(options: object) {
    this.#process = fork(join(import.meta.dirname, "claim-racer.ts"), [JSON.stringify(options)]);
    this.#process.on("message", (report: Report) => {
      this.#waiting.get(report.id)?.(report);
      this.#waiting.delete(report.id);
    });
  }

  order(verb: Order["verb"], lane = 0, gen = "0000000000000000"): Promise<Report> {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.send({ id, lane, gen, verb } satisfies Order);
    });
  }

  stop(): void {
    this.#process.kill();
  }
}

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  server = await WitnessServer.create();
  await server.addSite(SITE, nodes, certificates);
  await server.start();
  server.makeTree(SITE, incarnation);
  const racer = async (node: Node, sibling: Node) =>
    new Racer({ node, sibling, incarnation, port: server.port, pki: await certificates.node(node) });
  racers = { n1: await racer("n1", "n2"), n2: await racer("n2", "n1") };
});
afterAll(async () => {
  for (const node of nodes) racers[node].stop();
  await server.remove();
  certificates.remove();
});

const claims = () => join(server.tree(SITE), incarnation, "claims");
const ownerOf = (claim: string) => readFileSync(join(claims(), claim, "owner"), "utf8");
const generation = (number: number) => (BigInt(number) * 2n + 0x68798eae00000000n).toString(16).toUpperCase();

/** Both at once, now one first and now the other. @returns the winner, and whether it was the one told later */
async function race(lane: number, number: number): Promise<{ winner: Node; late: boolean; k: number }> {
  const gen = generation(number);
  const order = number % 2 === 0 ? nodes : ([...nodes].reverse() as Node[]);
  const reports = await Promise.all(order.map((node) => racers[node].order("claim", lane, gen)));
  const winners = order.filter((_, index) => reports[index]?.verdict === "won");
  expect(winners, JSON.stringify(reports)).toHaveLength(1);
  const [winner = "n1"] = winners;
  const [won, lost] = winner === order[0] ? reports : [...reports].reverse();
  expect(lost).toMatchObject({ verdict: "lost", k: won?.k, alarm: null });
  expect(ownerOf(`${gen}.${won?.k}`)).toBe(winner);
  return { winner, late: winner !== order[0], k: won?.k ?? -1 };
}

test(
  `${GENERATIONS} generations claimed by two processes at once: each number has one winner, the one on the disk`,
  async () => {
    const wins: Record<Node, number> = { n1: 0, n2: 0 };
    const expected: string[] = [];
    let overtaken = 0;
    let next = 0;

    async function one(lane: number, number: number): Promise<void> {
      const gen = generation(number);
      await Promise.all(nodes.map((node) => racers[node].order("stage", lane, gen)));
      const first = await race(lane, number);
      expect(first.k).toBe(0);
      wins[first.winner]++;
      if (first.late) overtaken++;
      expected.push(`${gen}.0`);
      if (number % 5 !== 0) return;
      expect((await racers[first.winner].order("release", lane, gen)).verdict).toBe(null);
      const second = await race(lane, number);
      expect(second.k).toBe(1);
      expected.push(`${gen}.1`);
    }
    async function run(lane: number): Promise<void> {
      while (next < GENERATIONS) await one(lane, next++);
    }

    await one(0, next++);
    const before = await Promise.all(nodes.map((node) => racers[node].order("count")));
    await Promise.all(Array.from({ length: LANES }, (_, lane) => run(lane)));
    const after = await Promise.all(nodes.map((node) => racers[node].order("count")));

    expect(readdirSync(claims()).sort()).toEqual(expected.sort());
    // A race that one side always wins was none.
    expect(overtaken).toBeGreaterThan(0);
    for (const node of nodes) expect(wins[node]).toBeGreaterThan(GENERATIONS / 100);
    // A lane keeps at most three connections.
    after.forEach(({ files = 0 }, index) => {
      expect(files - (before[index]?.files ?? 0)).toBeLessThanOrEqual(LANES * 3);
    });
  },
  60_000 + GENERATIONS * MS_PER_GENERATION,
);
