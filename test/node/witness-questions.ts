import type { TLSSocket } from "node:tls";
import { expect } from "vitest";
import type { ClaimRun } from "../../components/arbiter/agent/claim.ts";
import { Claimant, type Ended, SITE } from "./claimant.ts";
import { answer, ScriptedWitness } from "./scripted-witness.ts";
import type { SiteCertificates } from "./site-certificates.ts";

const incarnation = "0123456789abcdef0123456789abcdef";
const gen = "68798EAEE4968C1A";
const claim = `/${SITE}/${incarnation}/claims/${gen}.0/`;
const folder = `/${SITE}/${incarnation}/staging/n1-${gen}.0/`;

/** Every question of the protocol as the last one of a run: what was answered before it, and what may be answered to it. */
export interface Question {
  purpose: ClaimRun["purpose"];
  before: [asked: string, answer: string][];
  asked: string;
  documented: readonly number[];
}

const staged: [string, string] = [`GET ${folder}owner`, answer(200, "n1")];
const exists: [string, string] = [`MOVE ${folder}`, answer(412)];
const missing: [string, string] = [`MOVE ${folder}`, answer(404)];
const made: [string, string] = [`MKCOL ${folder}`, answer(201)];
const theirs: [string, string] = [`GET ${claim}owner`, answer(200, "n2")];
const nobodys: [string, string] = [`GET ${claim}owner`, answer(404)];
const won: [string, string] = [`MOVE ${folder}`, answer(201)];

export const questions: Record<string, Question> = {
  "the MOVE": { purpose: "claim", before: [staged], asked: `MOVE ${folder}`, documented: [201, 404, 405, 409, 412] },
  "the owner": { purpose: "claim", before: [staged, exists], asked: `GET ${claim}owner`, documented: [200] },
  "whether it was released": {
    purpose: "claim",
    before: [staged, exists, theirs],
    asked: `GET ${claim}released`,
    documented: [200, 404],
  },
  "staging again, the folder": {
    purpose: "claim",
    before: [staged, missing],
    asked: `MKCOL ${folder}`,
    documented: [201, 405],
  },
  "staging again, the owner": {
    purpose: "claim",
    before: [staged, missing, made],
    asked: `PUT ${folder}owner`,
    documented: [201, 204],
  },
  "the release": { purpose: "tidy", before: [staged, won], asked: `PUT ${claim}released`, documented: [201, 204] },
  "the owner, looking": { purpose: "look", before: [], asked: `GET ${claim}owner`, documented: [200] },
  "whether it was released, looking": {
    purpose: "look",
    before: [theirs],
    asked: `GET ${claim}released`,
    documented: [200, 404],
  },
  "staging, the owner of the claim": {
    purpose: "stage",
    before: [],
    asked: `GET ${claim}owner`,
    documented: [200, 404],
  },
  "staging, the folder": { purpose: "stage", before: [nobodys], asked: `MKCOL ${folder}`, documented: [201, 405] },
  "staging, the owner": {
    purpose: "stage",
    before: [nobodys, made],
    asked: `PUT ${folder}owner`,
    documented: [201, 204],
  },
};

/** Node one with a witness that answers as documented up to one question, and that one as it is told. */
export class Interview {
  readonly #question: Question;
  readonly #server: ScriptedWitness;
  readonly #claimant: Claimant;

  private constructor(question: Question, server: ScriptedWitness, pki: string) {
    this.#question = question;
    this.#server = server;
    this.#claimant = new Claimant({ node: "n1", sibling: "n2", incarnation, port: server.port, pki });
  }

  /** With a connection that is open: many at once would otherwise use up the limit of their first question for TLS. */
  static async about(question: Question, certificates: SiteCertificates, pki: string): Promise<Interview> {
    const server = await ScriptedWitness.start(certificates);
    const interview = new Interview(question, server, pki);
    server.script = (socket) => socket.write(answer(200, incarnation));
    expect(await interview.#claimant.client.ask({ verb: "incarnation" })).toEqual({ status: 200, body: incarnation });
    return interview;
  }

  /** One run; fails if anything is asked after the question, or the question was not reached. */
  async run(say: (socket: TLSSocket) => void): Promise<Ended & { tookMs: number }> {
    const { before, asked, purpose } = this.#question;
    const left = [...before];
    let [reached, tookMs] = [0, 0];
    const unexpected: string[] = [];
    this.#server.script = (socket, { method, path }) => {
      const request = `${method} ${path}`;
      if (left[0]?.[0] === request) socket.write(left.shift()?.[1] ?? "");
      else if (left.length === 0 && request === asked) {
        reached = performance.now();
        say(socket);
      } else unexpected.push(request);
    };
    const notes = this.#claimant.notes;
    const ended = await this.#claimant.run(purpose, gen);
    tookMs = performance.now() - reached;
    expect(unexpected).toEqual([]);
    expect(reached).toBeGreaterThan(0);
    // A staged folder that was seen is not looked at again.
    if (before.includes(exists)) this.#claimant.restart();
    this.#claimant.notes = notes;
    return { ...ended, tookMs };
  }

  close(): void {
    this.#claimant.close();
    this.#server.close();
  }
}
