import type { ClaimKey } from "../../components/arbiter/agent/world.ts";

/** 64 bits of a world, as two halves, with what is left to break. */
export interface Key {
  high: number;
  low: number;
}

export const sameKey = (a: Key, b: Key): boolean => a.high === b.high && a.low === b.low;

/** Takes in numbers, words and names in a fixed order and makes a key of them; fresh names are numbered by appearance. */
export class Canon {
  // Two hashes of 32 bits, by different constants, of the same numbers.
  #high = 0x5bd1e995;
  #low = 0x41c6ce57;
  readonly #names: string[] = [];

  put(value: number): void {
    const high = Math.imul(this.#high ^ value, 0x9e3779b1);
    this.#high = high ^ (high >>> 15);
    const low = Math.imul(this.#low + value, 0x85ebca77);
    this.#low = low ^ (low >>> 13);
  }

  flag(value: boolean): void {
    this.put(value ? 1 : 0);
  }

  word(value: string | null): void {
    this.put(value === null ? 0 : wordNumber(value));
  }

  /** A generation, token or disarm note: only which ones are equal counts. */
  name(value: string | null): void {
    this.put(value === null ? 0 : this.number(value));
  }

  number(name: string): number {
    const at = this.#names.indexOf(name);
    return at < 0 ? this.#names.push(name) : at + 1;
  }

  key64(): Key {
    let high = this.#high;
    let low = this.#low;
    high = Math.imul(high ^ (high >>> 16), 0x7feb352d) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae3d);
    low = Math.imul(low ^ (low >>> 16), 0x846ca68b) ^ Math.imul(high ^ (high >>> 13), 0x27d4eb2f);
    return { high: high | 0, low: low | 0 };
  }

  knows(name: string): boolean {
    return this.#names.includes(name);
  }

  names(values: readonly string[]): void {
    this.put(values.length);
    for (const value of values) this.name(value);
  }

  key(key: ClaimKey | null): void {
    if (key === null) {
      this.put(-1);
      return;
    }
    this.put(key.k);
    this.name(key.gen);
    this.name(key.incarnation);
  }

  keys(keys: readonly ClaimKey[]): void {
    this.put(keys.length);
    for (const key of keys) this.key(key);
  }
}

const words = new Map<string, number>();

/** The same in every process that shares a table of states. */
function wordNumber(word: string): number {
  let number = words.get(word);
  if (number === undefined) {
    number = 0;
    for (let i = 0; i < word.length; i += 1) number = (Math.imul(number, 31) + word.charCodeAt(i)) | 0;
    words.set(word, number);
  }
  return number;
}
