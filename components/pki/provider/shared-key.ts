import { randomBytes } from "node:crypto";
import { type Failure, failures, wholeNumber } from "./problems.ts";
import type { Properties } from "./values.ts";

interface SharedKeyInputs {
  readonly bytes: number;
  /** Undefined for a key that stays for ever. */
  readonly rotation?: number;
}

export interface SharedKeyOutputs {
  readonly base64: string;
  /** Takes over at the next rotation, and is known wherever this one is. */
  readonly successorBase64?: string;
  /** The keys before this one, the first of them first. */
  readonly predecessorsBase64?: readonly string[];
}

const outputs = ["base64", "successorBase64", "predecessorsBase64"] satisfies (keyof SharedKeyOutputs)[];

/** What was encrypted under a key is lost with it, so none is ever forgotten. */
export const sharedKeyType = {
  inputs: ["bytes", "rotation"],
  outputs,
  secretOutputs: outputs,
  replaceOn: ["bytes"],
  check(_olds: Properties, news: Properties): { inputs: Properties; failures: Failure[] } {
    const rotation = news.rotation === undefined ? {} : { rotation: wholeNumber(0) };
    return { inputs: news, failures: failures(news, { bytes: wholeNumber(16), ...rotation }) };
  },
  async create({ bytes, rotation }: SharedKeyInputs): Promise<SharedKeyOutputs> {
    const base64 = newKey(bytes);
    return rotation === undefined ? { base64 } : { base64, successorBase64: newKey(bytes), predecessorsBase64: [] };
  },
  /** A rotation hands over to the successor, which every machine has known since the one before. */
  async update(wanted: SharedKeyInputs, state: SharedKeyInputs & SharedKeyOutputs): Promise<SharedKeyOutputs> {
    const { base64, successorBase64, predecessorsBase64 = [] } = state;
    const successor = { successorBase64: newKey(wanted.bytes) };
    // Of an earlier release, which knew no successors: nobody could read what a new key has encrypted, so this one stays once more.
    if (successorBase64 === undefined) return { base64, ...successor, predecessorsBase64 };
    return { base64: successorBase64, ...successor, predecessorsBase64: [...predecessorsBase64, base64] };
  },
};

function newKey(bytes: number): string {
  return randomBytes(bytes).toString("base64");
}
