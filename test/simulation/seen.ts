import type { Key } from "./canon.ts";

/** A set of 64-bit keys in memory that several threads may share; it only grows. */
export class Seen {
  readonly #high: Int32Array;
  readonly #low: Int32Array;
  readonly #count: Int32Array;
  readonly #mask: number;
  readonly buffers: readonly SharedArrayBuffer[];

  /** @param buffers those of another thread's set, to share it */
  constructor(entries: number, buffers?: readonly SharedArrayBuffer[]) {
    const slots = 2 ** Math.ceil(Math.log2(entries * 1.4));
    const [high, low, count] = buffers ?? [
      new SharedArrayBuffer(slots * 4),
      new SharedArrayBuffer(slots * 4),
      new SharedArrayBuffer(4),
    ];
    if (high === undefined || low === undefined || count === undefined) throw new Error("three buffers make a set");
    this.buffers = [high, low, count];
    this.#high = new Int32Array(high);
    this.#low = new Int32Array(low);
    this.#count = new Int32Array(count);
    this.#mask = this.#high.length - 1;
  }

  get size(): number {
    return Atomics.load(this.#count, 0);
  }

  get full(): boolean {
    return this.size > this.#mask * 0.85;
  }

  has(key: Key): boolean {
    const high = key.high === 0 ? 1 : key.high;
    const low = key.low === 0 ? 1 : key.low;
    for (let at = this.#slot(high, low); ; at = (at + 1) & this.#mask) {
      const found = Atomics.load(this.#high, at);
      if (found === 0) return false;
      if (found === high && Atomics.load(this.#low, at) === low) return true;
    }
  }

  /** @returns false when the key was there already; of two threads that add the same key one is told true */
  add(key: Key): boolean {
    // Zero marks a free slot, or a half that is about to be written.
    const high = key.high === 0 ? 1 : key.high;
    const low = key.low === 0 ? 1 : key.low;
    let at = this.#slot(high, low);
    for (;;) {
      const found = Atomics.compareExchange(this.#high, at, 0, high);
      if (found === 0) {
        Atomics.store(this.#low, at, low);
        Atomics.add(this.#count, 0, 1);
        return true;
      }
      if (found === high) {
        let other = Atomics.load(this.#low, at);
        while (other === 0) other = Atomics.load(this.#low, at);
        if (other === low) return false;
      }
      at = (at + 1) & this.#mask;
    }
  }

  #slot(high: number, low: number): number {
    return (high ^ Math.imul(low, 0x9e3779b1)) & this.#mask;
  }
}
