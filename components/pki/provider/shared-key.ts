import { randomBytes } from "node:crypto";
import { type Failure, failures, wholeNumber } from "./problems.ts";
import type { Properties } from "./values.ts";

interface SharedKeyInputs {
  readonly bytes: number;
}

export interface SharedKeyOutputs {
  readonly base64: string;
}

/** Made once: what was encrypted under a key is lost with it. */
export const sharedKeyType = {
  inputs: ["bytes"],
  outputs: ["base64"] satisfies (keyof SharedKeyOutputs)[],
  secretOutputs: ["base64"] satisfies (keyof SharedKeyOutputs)[],
  replaceOn: ["bytes"],
  check(_olds: Properties, news: Properties): { inputs: Properties; failures: Failure[] } {
    return { inputs: news, failures: failures(news, { bytes: wholeNumber(16) }) };
  },
  async create({ bytes }: SharedKeyInputs): Promise<SharedKeyOutputs> {
    return { base64: randomBytes(bytes).toString("base64") };
  },
  async update(): Promise<undefined> {
    return undefined;
  },
};
