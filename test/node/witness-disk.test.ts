import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Claimant, SITE } from "./claimant.ts";
import { Dice } from "./dice.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { WitnessServer } from "./witness-server.ts";

const SEED = Number(process.env.TANDEM_SEED ?? Date.now() % 1_000_000);
const incarnation = "0123456789abcdef0123456789abcdef";

let certificates: SiteCertificates;
let server: WitnessServer;
let claimants: readonly [Claimant, Claimant];

beforeAll(async () => {
  certificates = await SiteCertificates.create();
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  server = await WitnessServer.create();
  await server.addSite(SITE, ["n1", "n2"], certificates);
});
afterEach(async () => {
  for (const claimant of claimants) claimant.close();
  await server.remove();
});

async function start(options: string): Promise<void> {
  await server.start({ site: SITE, options });
  server.makeTree(SITE, incarnation);
  const node = async (node: string, sibling: string) =>
    new Claimant({ node, sibling, incarnation, port: server.port, pki: await certificates.node(node) });
  claimants = [await node("n1", "n2"), await node("n2", "n1")];
}

const claims = () => join(server.tree(SITE), incarnation, "claims");
const generation = (number: number) => (BigInt(number) * 2n + 0x68798eae00000000n).toString(16).toUpperCase();

/** Takes what the disk still has, but for some pieces: inodes in the one case, blocks in the other. */
class Filler {
  readonly #folder = join(server.tree(SITE), "filler");
  readonly #content: string;
  #pieces = 0;

  constructor(content: string) {
    this.#content = content;
    mkdirSync(this.#folder);
  }

  fill(leave: number): void {
    for (;;) {
      const piece = join(this.#folder, String(this.#pieces));
      try {
        writeFileSync(piece, this.#content);
        this.#pieces++;
      } catch {
        rmSync(piece, { force: true });
        break;
      }
    }
    this.free(leave);
  }

  free(pieces: number): void {
    for (let i = 0; i < pieces && this.#pieces > 0; i++) rmSync(join(this.#folder, String(--this.#pieces)));
  }
}

test.each([
  ["inodes", "size=4m,nr_inodes=150", ""],
  ["blocks", "size=160k,nr_inodes=4k", "x".repeat(4096)],
])(`a disk without %s: what is decided is what the tree says, and no claim is without its owner, seed ${SEED}`, async (_, options, content) => {
  await start(options);
  const dice = new Dice(SEED);
  const filler = new Filler(content);
  const seen = { won: 0, undecided: 0 };

  for (let number = 0; number < 120; number++) {
    const gen = generation(number);
    const stagedBefore = dice.chance(0.5);
    if (stagedBefore) await Promise.all(claimants.map((claimant) => claimant.run("stage", gen)));
    filler.fill(dice.below(4));
    let verdicts: (string | null)[] = [];
    for (let attempt = 0; attempt < 3 && !verdicts.includes("won"); attempt++) {
      const ends = await Promise.all(claimants.map((claimant) => claimant.run("claim", gen)));
      verdicts = ends.map(({ verdict }) => verdict);
      for (const { verdict, key, alarm } of ends) {
        expect(alarm).toBe(null);
        expect(key.k).toBe(0);
        if (verdict === "undecided") seen.undecided++;
        else expect(existsSync(join(claims(), `${gen}.0`, "owner"))).toBe(true);
      }
      // A claim takes nothing of the disk when its folder was staged in advance.
      if (stagedBefore) expect(verdicts.toSorted()).toEqual(["lost", "won"]);
      if (!verdicts.includes("won")) filler.free(dice.below(4));
    }
    for (const claim of readdirSync(claims())) {
      expect(readFileSync(join(claims(), claim, "owner"), "utf8")).toMatch(/^n[12]$/);
    }
    const winners = claimants.filter((_, index) => verdicts[index] === "won");
    expect(winners.length).toBeLessThanOrEqual(1);
    for (const winner of winners) {
      expect(readFileSync(join(claims(), `${gen}.0`, "owner"), "utf8")).toBe(winner.node);
    }
    seen[winners.length === 1 ? "won" : "undecided"]++;

    // The disk has room again: all is decided, released and collected.
    filler.free(20);
    const last = await Promise.all(claimants.map((claimant) => claimant.run("claim", gen)));
    expect(last.map(({ verdict }) => verdict).sort()).toEqual(["lost", "won"]);
    const winner = claimants[last[0]?.verdict === "won" ? 0 : 1];
    expect(winners.every((one) => one === winner)).toBe(true);
    expect(await winner.tidy(gen)).toBe(true);
    for (const claimant of claimants) {
      expect(await claimant.client.ask({ verb: "collect", incarnation, past: [gen] })).toMatchObject({ status: 204 });
    }
  }
  expect(readdirSync(claims())).toEqual([]);
  // Otherwise the disk was never full, or always.
  expect(seen.won).toBeGreaterThan(20);

  expect(seen.undecided).toBeGreaterThan(5);
});
