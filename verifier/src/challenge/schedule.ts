/** Longest wait in units of the interval: the tail of the exponential distribution is cut here. */
const MAX_INTERVALS = 3;

/**
 * Time from one scheduled audit to the next: exponential, so that no moment after an audit is safer for an attacker than another
 * (F-06). Never sent, never moved by reconnects, alarms or audits on demand.
 *
 * @param intervalMs mean of the distribution before it is cut
 * @param random 48 random bits as an integer
 * @returns milliseconds
 */
export function nextAuditDelay(intervalMs: number, random: number): number {
  const u = (random + 1) / 2 ** 48;
  return Math.round(intervalMs * Math.min(-Math.log(u), MAX_INTERVALS));
}
