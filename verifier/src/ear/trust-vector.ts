import { REASONS, type ReasonCode, type TerminalClass, type Verdict } from '@mtm-attest/protocol';
import { type Tier, type TrustClaim, type TrustVector, tierOfVector, worstTier } from './ar4si.ts';

/** What a verifier says of one compartment of a terminal. */
export interface Standing {
  readonly verdict: Verdict;
  readonly codes: readonly ReasonCode[];
  readonly class: TerminalClass;
}

type Value = readonly [claim: TrustClaim, value: number];

const IDENTITY_IS_UNTRUSTWORTHY: Value = ['instance-identity', 96];
const IDENTITY_IS_ANOTHER: Value = ['instance-identity', 97];
const IDENTITY_IS_NOT_PROVEN: Value = ['instance-identity', 99];
const LOG_IS_NOT_PROVEN: Value = ['executables', 99];
const RUNS_WHAT_IS_FORBIDDEN: Value = ['executables', 96];
const RUNS_WHAT_IS_UNKNOWN: Value = ['executables', 33];
const RUNS_WHAT_IS_OLD: Value = ['executables', 32];
const LACKS_A_PART: Value = ['configuration', 36];
const VERIFIER_FAILED: Value = ['instance-identity', -1];

/** What each reason says in AR4SI's words: 99 where a signature, digest or nonce did not hold. */
const VALUES: Readonly<Partial<Record<ReasonCode, Value>>> = {
  'evidence.malformed': IDENTITY_IS_NOT_PROVEN,
  'quote.type': IDENTITY_IS_NOT_PROVEN,
  'quote.selection': IDENTITY_IS_NOT_PROVEN,
  'quote.signer': IDENTITY_IS_ANOTHER,
  'context.mismatch': IDENTITY_IS_NOT_PROVEN,
  'signature.algorithm': IDENTITY_IS_NOT_PROVEN,
  'signature.invalid': IDENTITY_IS_NOT_PROVEN,
  'identity.rolled-back': IDENTITY_IS_UNTRUSTWORTHY,
  'identity.diverged': IDENTITY_IS_UNTRUSTWORTHY,
  'log.replay': LOG_IS_NOT_PROVEN,
  'log.event': LOG_IS_NOT_PROVEN,
  'log.order': RUNS_WHAT_IS_UNKNOWN,
  'boot.incomplete': RUNS_WHAT_IS_UNKNOWN,
  'audit.not-fresh': LOG_IS_NOT_PROVEN,
  'component.digest': RUNS_WHAT_IS_FORBIDDEN,
  'component.unlisted': RUNS_WHAT_IS_UNKNOWN,
  'component.missing': LACKS_A_PART,
  'component.pcr': RUNS_WHAT_IS_UNKNOWN,
  'release.unknown': RUNS_WHAT_IS_UNKNOWN,
  'release.below-minimum': RUNS_WHAT_IS_OLD,
  'release.expired': RUNS_WHAT_IS_OLD,
  'verifier.malfunction': VERIFIER_FAILED,
};

/** A reason without a row denies by what it does to the terminal. */
function meaningOf(code: ReasonCode): Value | undefined {
  const row = VALUES[code];
  if (row !== undefined) return row;
  const { kind } = REASONS[code];
  if (kind === 'enrolment') return IDENTITY_IS_UNTRUSTWORTHY;
  if (kind === 'boot') return LOG_IS_NOT_PROVEN;
  return kind === 'reference' ? RUNS_WHAT_IS_UNKNOWN : undefined;
}

/** Trusted demands every claim of our appraisal: the instance is the enrolled one, and only approved code was loaded at boot and after. */
const TRUSTED: TrustVector = { 'instance-identity': 2, executables: 2 };

/** Nothing is known of the present: no assertion, said aloud because a vector is never empty. */
const NOTHING: TrustVector = { 'instance-identity': 0, executables: 0 };

const TIER_OF_VERDICT: Readonly<Record<Verdict, Tier>> = {
  trusted: 'affirming',
  untrusted: 'contraindicated',
  stale: 'none',
  unreachable: 'none',
  unknown: 'none',
};

/**
 * The trustworthiness vector of a standing. `hardware` is affirming for the class tpm-endorsed alone, the only one whose chip somebody vouches for;
 * `runtime-opaque` and `storage-opaque` are never claimed: no evidence of ours shows them.
 */
export function trustVector({ verdict, codes, class: terminalClass }: Standing): TrustVector {
  if (verdict === 'trusted') return terminalClass === 'tpm-endorsed' ? { ...TRUSTED, hardware: 2 } : TRUSTED;
  const vector: Partial<Record<TrustClaim, number>> = { ...NOTHING };
  for (const code of codes) {
    const value = meaningOf(code);
    if (value !== undefined) vector[value[0]] = worse(vector[value[0]], value[1]);
  }
  return vector;
}

function worse(before: number | undefined, value: number): number {
  if (before === undefined || before === 0) return value;
  return before === -1 || value > before ? value : before;
}

/** Never better than the vector's worst claim, nor than the verdict: an untrusted terminal is contraindicated, whatever condemned it. */
export function statusOf(standing: Standing): Tier {
  return worstTier([TIER_OF_VERDICT[standing.verdict], tierOfVector(trustVector(standing))]);
}
