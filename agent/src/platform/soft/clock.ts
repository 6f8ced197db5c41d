/** A clock is made durable at least this often, in milliseconds of powered time (TPM 2.0 Library, Part 1, 36.3). */
export const CLOCK_SAVE_MS: number = 2 ** 22;

/** What a start knows of the clock before it. */
export interface ClockStart {
  /** no value above this one was ever shown; after an orderly stop of a safe clock, the value then */
  readonly bound: number;
  /** the true value at an orderly stop; undefined after an unclean one */
  readonly atStop: number | undefined;
}

/**
 * Milliseconds of powered time. After an orderly stop it goes on where it stopped; after an unclean one at the last value known to be
 * durable, and it is not safe until it has passed every value it may have shown.
 */
export class TpmClock {
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #base: number;
  readonly #unsafeUntil: number;
  #last = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number, start: ClockStart) {
    this.#now = now;
    this.#startedAt = now();
    this.#base = start.atStop ?? Math.max(0, start.bound - CLOCK_SAVE_MS);
    this.#unsafeUntil = start.bound;
  }

  /** Never lower than before. */
  read(): { readonly clock: bigint; readonly safe: boolean } {
    this.#last = Math.max(this.#last, Math.floor(this.#now() - this.#startedAt));
    const value = this.#base + this.#last;
    return { clock: BigInt(value), safe: value >= this.#unsafeUntil };
  }
}
