import {
  attestationKey,
  type PcrSelection,
  parsePublic,
  parseSelectionText,
  pcrDigest,
  primaryQualifiedName,
  qualifyingData,
  TPM_RH,
  type VerifiedQuote,
  verifyQuote,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { QuoteRequest, TrustedPlatform } from '../../src/platform/platform.ts';

const { sha256 } = nodeCrypto;
export const SELECTION: PcrSelection = parseSelectionText('sha256:0,10,17');

export function requestFor(nonce: string, change: Partial<QuoteRequest> = {}): QuoteRequest {
  return {
    purpose: 'runtime',
    challengeDigest: sha256(Buffer.from(nonce)),
    binding: { type: 'tls-exporter', value: sha256(Buffer.from('channel')) },
    audience: 'operator.example',
    terminal: 'terminal-1',
    compartment: 'mrtm',
    ownershipEpoch: 7n,
    claimsDigest: sha256(Buffer.from('claims')),
    bindSessionKey: false,
    selection: writePcrSelection(SELECTION),
    ...change,
  };
}

/** Asks for a quote and holds it against everything that a verifier knows. */
export async function verified(platform: TrustedPlatform, request: QuoteRequest): Promise<VerifiedQuote> {
  const { akPublic, akName, sessionKey } = await platform.identity();
  const { attest, signature } = await platform.quote(request);
  const values = await platform.readPcrs();
  const bank = new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, values.subarray(32 * pcr, 32 * pcr + 32)]));
  return verifyQuote({
    attest,
    signature,
    key: nodeCrypto.importKey(attestationKey(parsePublic(akPublic))),
    qualifiedSigner: primaryQualifiedName(TPM_RH.ENDORSEMENT, akName, nodeCrypto),
    selection: request.selection,
    qualifyingData: qualifyingData(
      { ...request, akName, keyToBind: request.bindSessionKey ? sessionKey : undefined },
      sha256,
    ),
    pcrDigest: pcrDigest(SELECTION, { sha256: bank }, sha256),
  });
}
