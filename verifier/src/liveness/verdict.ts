import type { ReasonCode, Verdict } from '@mtm-attest/protocol';
import type { Condemnation } from '../appraisal/condemnation.ts';

/** What the verdict is a function of, beside time and policy: nothing but stored state. Times are wall-clock milliseconds. */
export interface Standing {
  readonly condemned: Condemnation | undefined;
  /** why the verifier cannot tell: `enrolment.token-reused`, `reference.missing`, `verifier.malfunction` */
  readonly unknownCode: ReasonCode | undefined;
  readonly lastSeenAt: number;
  readonly lastAffirmedAt: number | undefined;
  /** a new boot or an alarm was announced then and has not been appraised */
  readonly pendingAt: number | undefined;
  /** evidence came late or for no open challenge since the last affirming one */
  readonly lateCode: 'challenge.expired' | 'challenge.not-open' | undefined;
  /** what accompanies a trusted verdict */
  readonly info: readonly ReasonCode[];
}

export interface LivenessPolicy {
  readonly graceMs: number;
  readonly freshnessMs: number;
}

/** A time in which no verifier ran, or a step of the clock: terminals are not blamed for it until `until`. */
export interface Outage {
  readonly from: number;
  readonly until: number;
}

export interface JudgedVerdict {
  readonly verdict: Verdict;
  readonly codes: readonly ReasonCode[];
}

/**
 * The verdict at a moment; the first rule that matches decides (SPEC.md 7.6).
 *
 * @param now wall clock that never goes back, milliseconds
 */
export function verdictOf(
  standing: Standing,
  now: number,
  policy: LivenessPolicy,
  outage: Outage | undefined,
): JudgedVerdict {
  if (standing.condemned !== undefined) return { verdict: 'untrusted', codes: standing.condemned.codes };
  if (standing.unknownCode !== undefined) return { verdict: 'unknown', codes: [standing.unknownCode] };
  if (standing.lastAffirmedAt === undefined) return { verdict: 'unknown', codes: ['enrolment.fresh'] };
  const blamed = outage !== undefined && now < outage.until ? Math.min(now, outage.from) : now;
  if (blamed - standing.lastSeenAt > policy.graceMs) return { verdict: 'unreachable', codes: ['connection.lost'] };
  if (standing.pendingAt !== undefined || blamed - standing.lastAffirmedAt > policy.freshnessMs) {
    return { verdict: 'stale', codes: [standing.lateCode ?? 'challenge.unanswered'] };
  }
  return { verdict: 'trusted', codes: standing.info };
}
