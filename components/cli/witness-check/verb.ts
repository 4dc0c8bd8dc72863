import { text } from "node:stream/consumers";
import type { Verb } from "../verb.ts";
import { checkWitness } from "./check.ts";
import { type WitnessAddress, WitnessExchange } from "./exchange.ts";

export const witnessCheck: Verb = {
  usage: "witness-check < witness.json",
  summary: "Makes and takes back a claim that means nothing, to see whether the witness keeps to the protocol.",
  async run() {
    const { index, ...address } = JSON.parse(await text(process.stdin)) as WitnessAddress & { index: number };
    const exchange = new WitnessExchange(address);
    try {
      await checkWitness((question) => exchange.ask(question), address, index);
    } finally {
      exchange.close();
    }
    process.stdout.write("the witness keeps to the protocol\n");
  },
};
