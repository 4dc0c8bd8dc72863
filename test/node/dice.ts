import { generator } from "../simulation/random.ts";

/** Random choices that a seed repeats. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  /** A whole number from 0 up to, and without, the limit. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  of<T>(...choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}
