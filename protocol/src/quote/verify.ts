import { equalBytes } from '../bytes/equal.ts';
import type { VerificationKey } from '../crypto/signature-verifier.ts';
import { ProtocolError } from '../error.ts';
import { parseAttest } from '../tpm/attest.ts';
import { parseSignature, type SignatureScheme } from '../tpm/signature.ts';
import type { ClockReading } from './boot-identity.ts';

/** What a quote is held against; what is absent is not checked, and the caller says so. */
export interface QuoteQuestion {
  /** TPMS_ATTEST as received: the signature is over these bytes */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE as received */
  readonly signature: Uint8Array;
  /** the enrolled key, imported once; never chosen by the message (F-08, F-17) */
  readonly key: VerificationKey;
  /** qualified Name of that key */
  readonly qualifiedSigner?: Uint8Array;
  /** TPML_PCR_SELECTION asked for; compared byte for byte (F-15) */
  readonly selection?: Uint8Array;
  readonly qualifyingData?: Uint8Array;
  /** digest over the expected PCR values, by the hash of the signature */
  readonly pcrDigest?: Uint8Array;
}

declare const VERIFIED: unique symbol;

/** A quote whose every demanded check held. Only verifyQuote makes one. */
export interface VerifiedQuote {
  readonly [VERIFIED]: true;
  readonly clockInfo: ClockReading;
  readonly firmwareVersion: bigint;
  readonly qualifiedSigner: Uint8Array;
  readonly extraData: Uint8Array;
  /** TPML_PCR_SELECTION as quoted */
  readonly selection: Uint8Array;
  readonly pcrDigest: Uint8Array;
}

const SCHEME_OF: Readonly<Record<VerificationKey['material']['algorithm'], SignatureScheme | undefined>> = {
  'ecdsa-p256': 'ecdsa',
  rsassa: 'rsassa',
  rsapss: 'rsapss',
  ed25519: undefined,
};

/**
 * Structure, then what costs nothing, then the signature over the bytes as received (SPEC.md 5.5).
 *
 * @throws ProtocolError, the first of: `tpm.*` with the offset, `quote.magic`, `quote.type`, `signature.algorithm`, `quote.signer`,
 * `quote.selection`, `quote.nonce`, `pcr.digest`, `signature.invalid`
 */
export function verifyQuote(question: QuoteQuestion): VerifiedQuote {
  const { clockInfo, firmwareVersion, qualifiedSigner, extraData, attested } = parseAttest(question.attest, 'quote');
  if (attested.type !== 'quote') throw new ProtocolError('quote.type', 4);
  const signature = parseSignature(question.signature);
  const { material } = question.key;
  const hash = material.algorithm === 'ed25519' ? undefined : material.hash;
  if (signature.scheme !== SCHEME_OF[material.algorithm] || signature.hash !== hash) {
    throw new ProtocolError('signature.algorithm', 0);
  }
  demand(question.qualifiedSigner, qualifiedSigner, 'quote.signer');
  demand(question.selection, attested.selectionBytes, 'quote.selection');
  demand(question.qualifyingData, extraData, 'quote.nonce');
  demand(question.pcrDigest, attested.pcrDigest, 'pcr.digest');
  if (!question.key.verify(question.attest, signature.signature)) throw new ProtocolError('signature.invalid');
  const verified: Omit<VerifiedQuote, typeof VERIFIED> = {
    clockInfo,
    firmwareVersion,
    qualifiedSigner,
    extraData,
    selection: attested.selectionBytes,
    pcrDigest: attested.pcrDigest,
  };
  return verified as VerifiedQuote;
}

type DemandCode = 'quote.signer' | 'quote.selection' | 'quote.nonce' | 'pcr.digest';

function demand(expected: Uint8Array | undefined, found: Uint8Array, code: DemandCode): void {
  if (expected !== undefined && !equalBytes(expected, found)) throw new ProtocolError(code);
}
