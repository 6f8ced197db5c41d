/** How long to wait before the next attempt to connect. */
export interface BackOff {
  /** milliseconds before the second attempt, on average half of it */
  readonly firstMs: number;
  /** never longer than this */
  readonly mostMs: number;
}

export const DEFAULT_BACK_OFF: BackOff = { firstMs: 1000, mostMs: 60_000 };

/**
 * Exponential with full jitter: a fleet that lost its verifier does not come back in one moment.
 *
 * @param failures attempts in a row that proved nothing, from 0
 * @param random 32 random bits as an integer
 * @returns milliseconds
 */
export function backOffDelay({ firstMs, mostMs }: BackOff, failures: number, random: number): number {
  const most = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 32));
  return Math.round((most * random) / 2 ** 32);
}
