import { IETF_PROFILE } from './profile.ts';
import { type Standing, statusOf, trustVector } from './trust-vector.ts';

/** What an EAR says of one terminal. */
export interface TerminalStanding extends Standing {
  readonly terminal: string;
  readonly compartment: string;
}

export interface EarContext {
  /** wall clock, milliseconds since 1970 */
  readonly now: number;
  /** for how long the result may be relied on, seconds */
  readonly lifeSeconds: number;
  /** the software that appraised, with its version */
  readonly build: string;
  /** what a Relying Party gave to see that the result is fresh, 8 to 64 bytes */
  readonly nonce?: Uint8Array | undefined;
}

const DEVELOPER = 'mtm-attest';

/** The appraisal of SPEC.md section 7 under the signed manifest of the terminal's model. */
const POLICY_ID = 'mtm-attest.v1/appraisal';

const MS_PER_SECOND = 1000;

/**
 * The claims of an EAR (draft-ietf-rats-ear-03 section 3), ready for JSON. One submodule for each compartment, labelled `terminal/compartment`;
 * what the profile has no word for stands in the extension `mtm_attest`, a map as the draft demands.
 */
export function makeEar(
  standings: readonly TerminalStanding[],
  context: EarContext,
): Readonly<Record<string, unknown>> {
  const { now, lifeSeconds, build, nonce } = context;
  const issuedAt = Math.floor(now / MS_PER_SECOND);
  return {
    eat_profile: IETF_PROFILE.uri,
    iat: issuedAt,
    exp: issuedAt + lifeSeconds,
    [IETF_PROFILE.verifierId]: { developer: DEVELOPER, build },
    ...(nonce === undefined ? {} : { eat_nonce: Buffer.from(nonce).toString('base64url') }),
    submods: Object.fromEntries(standings.map((one) => [`${one.terminal}/${one.compartment}`, appraisalOf(one)])),
  };
}

function appraisalOf(standing: TerminalStanding): Readonly<Record<string, unknown>> {
  const { verdict, codes, class: terminalClass } = standing;
  return {
    [IETF_PROFILE.status]: statusOf(standing),
    [IETF_PROFILE.vector]: trustVector(standing),
    [IETF_PROFILE.policy.claim]: [POLICY_ID],
    mtm_attest: { verdict, codes, class: terminalClass },
  };
}
