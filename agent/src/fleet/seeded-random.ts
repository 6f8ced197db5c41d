import { createHash } from 'node:crypto';

/**
 * Repeatable choices of a simulation: SHA-256 over seed, label and a counter. Never for keys or nonces.
 * Two labels give independent sequences, so that one terminal's choices do not depend on how many others there are.
 */
export class SeededRandom {
  readonly #prefix: string;
  #counter = 0;

  constructor(seed: string, label: string) {
    this.#prefix = JSON.stringify([seed, label]);
  }

  /** 0 to 2^32 - 1 */
  u32(): number {
    this.#counter += 1;
    return createHash('sha256').update(`${this.#prefix}${this.#counter}`).digest().readUInt32BE(0);
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor((this.u32() / 2 ** 32) * count);
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** @throws RangeError for an empty list */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }
}
