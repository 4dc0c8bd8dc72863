import { HandshakeClient, HandshakeServer } from "../../components/arbiter/agent/linux/peer.ts";
import type { Hello } from "../../components/arbiter/agent/world.ts";
import { HELLO } from "../unit/agent/scripted.ts";
import { SITE } from "./claimant.ts";

export const helloOf = (node: string, change: Partial<Hello> = {}): Hello => ({
  ...HELLO,
  site: SITE,
  node,
  gen: "68798EAEE4968C1A",
  ...change,
});

/** Node two's end of the handshake, which remembers what it was asked. */
export class Answerer {
  readonly greeted: Hello[] = [];
  readonly refused: string[] = [];
  readonly port: number;
  /** What becomes of a question; at first an answer that repeats the asker's disarm notes. */
  answer: (question: Hello, reply: (hello: Hello) => void) => void;
  readonly #server: HandshakeServer;

  /** @param pki folder with node two's credentials */
  constructor(port: number, pki: string) {
    this.port = port;
    this.answer = (question, reply) => reply(helloOf("n2", { echo: question.disarmed }));
    this.#server = new HandshakeServer(
      { site: SITE, sibling: "n1", pki, port, addresses: ["127.0.0.1"] },
      {
        greeted: (question, reply) => {
          this.greeted.push(question);
          this.answer(question, reply);
        },
        refused: (why) => this.refused.push(why),
      },
    );
  }

  close(): void {
    this.#server.close();
  }
}

/** Node one's end. @param pki folder with its credentials */
export function asker(port: number, pki: string): HandshakeClient {
  return new HandshakeClient({ site: SITE, sibling: "n2", pki, port, addresses: ["127.0.0.1"] });
}
