import {
  type ProtocolCode,
  ProtocolError,
  parseClaims,
  qualifyingData,
  type ReasonCode,
  verifyQuote,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { Examined, Outcome } from './check.ts';
import type { AppraisalInput } from './input.ts';

/** Codes of verifyQuote that an operator can tell apart; every other fault of the bytes is `evidence.malformed`. */
const REASON_OF: Readonly<Partial<Record<ProtocolCode, ReasonCode>>> = {
  'quote.type': 'quote.type',
  'quote.signer': 'quote.signer',
  'quote.selection': 'quote.selection',
  'quote.nonce': 'context.mismatch',
  'signature.algorithm': 'signature.algorithm',
  'signature.invalid': 'signature.invalid',
};

/**
 * The quote is by the enrolled AK, over the PCRs asked for, and its qualifyingData names this challenge, channel, purpose and terminal.
 * The claims are decoded only after the quote that covers them has verified (SPEC.md 7.2). A quote that verified shows its boot, whatever
 * claims it covers: garbage in them must not hide in which boot it was signed.
 */
export function quoteIsOfEnrolledKey(input: AppraisalInput, examined: Examined): Outcome {
  const { challenge, enrolment, evidence } = input;
  try {
    examined.quote = verifyQuote({
      attest: evidence.attest,
      signature: evidence.signature,
      key: enrolment.akKey,
      qualifiedSigner: enrolment.qualifiedName,
      selection: challenge.selection,
      qualifyingData: expectedData(input),
    });
    const claims = parseClaims(evidence.claims);
    if (claims.tokenDigest !== undefined || claims.activation !== undefined) return ofAnEnrolment();
    examined.claims = claims;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { affirms: [], findings: [{ code: REASON_OF[error.code] ?? 'evidence.malformed', detail: error.message }] };
  }
  return { affirms: ['origin'], findings: [] };
}

/** Only an enrolment knows a token and opens a credential (SPEC.md 5.2). */
function ofAnEnrolment(): Outcome {
  return { affirms: [], findings: [{ code: 'evidence.malformed', detail: 'the claims are those of an enrolment' }] };
}

function expectedData({ challenge, binding, audience, enrolment, evidence }: AppraisalInput): Uint8Array {
  return qualifyingData(
    {
      purpose: challenge.purpose,
      challengeDigest: challenge.digest,
      binding,
      audience,
      terminal: enrolment.terminal,
      compartment: enrolment.compartment,
      ownershipEpoch: enrolment.ownershipEpoch,
      akName: enrolment.akName,
      claimsDigest: nodeCrypto.sha256(evidence.claims),
    },
    nodeCrypto.sha256,
  );
}
