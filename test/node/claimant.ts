import { advance, begin, type ClaimRun, type ClaimStep } from "../../components/arbiter/agent/claim.ts";
import { WitnessClient } from "../../components/arbiter/agent/linux/witness.ts";
import {
  type ClaimKey,
  EMPTY_NOTES,
  type Notes,
  type Verdict,
  type WitnessRequest,
} from "../../components/arbiter/agent/world.ts";

export const SITE = "store-0042";

export interface Ended {
  verdict: Verdict | null;
  key: ClaimKey;
  alarm: string | null;
  asked: WitnessRequest["verb"][];
}

interface Options {
  node: string;
  sibling: string;
  incarnation: string;
  port: number;
  /** Folder with the node's credentials. */
  pki: string;
}

/** One node's client and claim machine, driven together as the agent drives them; the notes survive a restart. */
export class Claimant {
  notes: Notes;
  /** Called before every question. */
  watch: (request: WitnessRequest) => void = () => {};
  longestMs = 0;
  readonly node: string;
  readonly #options: Options;
  #client: WitnessClient;
  #firstOpen: ClaimKey | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.node = options.node;
    this.notes = { ...EMPTY_NOTES, adopted: options.incarnation, nothingBut: options.incarnation };
    this.#client = this.#newClient();
  }

  #newClient(): WitnessClient {
    const { node, port, pki } = this.#options;
    const url = `https://127.0.0.1:${port}`;
    return new WitnessClient({
      site: SITE,
      node,
      witness: { url, servername: `${SITE}.tandem-witness`, ca: "site-ca.crt" },
      pki,
    });
  }

  get client(): WitnessClient {
    return this.#client;
  }

  /** The agent was killed and started again: only its notes are left. */
  restart(): void {
    this.#client.close();
    this.#client = this.#newClient();
    this.notes = JSON.parse(JSON.stringify(this.notes));
    this.#firstOpen = null;
  }

  /** One run to its end. */
  async run(purpose: ClaimRun["purpose"], gen: string): Promise<Ended> {
    const open = this.#firstOpen?.gen === gen ? this.#firstOpen : { incarnation: this.#options.incarnation, gen, k: 0 };
    const intent = this.notes.intents.find((key) => key.gen === gen);
    let key = purpose === "tidy" && intent !== undefined ? intent : open;
    const asked: WitnessRequest["verb"][] = [];
    const names = { self: this.node, sibling: this.#options.sibling };
    for (let step: ClaimStep = begin(purpose, key, this.notes); ; ) {
      this.notes = step.notes;
      if (step.firstOpen !== null) this.#firstOpen = step.firstOpen;
      if (step.run === null || step.request === null) {
        return { verdict: step.verdict, key, alarm: step.alarm, asked };
      }
      const { run, request } = step;
      key = run.key;
      asked.push(request.verb);
      this.watch(request);
      const begun = performance.now();
      const answer = await this.#client.ask(request);
      this.longestMs = Math.max(this.longestMs, performance.now() - begun);
      step = advance(run, answer, this.notes, names);
    }
  }

  /** Finishes and releases every intent of the generation; false while some answer is missing. */
  async tidy(gen: string): Promise<boolean> {
    while (this.notes.intents.some((key) => key.gen === gen)) {
      if ((await this.run("tidy", gen)).verdict !== null) return false;
    }
    return true;
  }

  close(): void {
    this.#client.close();
  }
}
