import {
  attestationKey,
  encodePublicPem,
  equalBytes,
  MRTM_COMPARTMENT,
  PCR_BYTES,
  PCR_COUNT,
  type PcrSelection,
  type PcrValues,
  p256Spki,
  parseAttest,
  parsePublic,
  pcrDigest,
  writePcrFile,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import type { Quote, QuoteRequest, TrustedPlatform } from '../platform/platform.ts';

/** A quote for inspection, in the formats of tpm2-tools. */
export interface Inspection {
  /** content by name of the file */
  readonly files: Readonly<Record<'ak.pem' | 'quote.attest' | 'quote.sig' | 'pcrs.bin', Uint8Array | string>>;
  /** qualifyingData as quoted, 32 bytes */
  readonly extraData: Uint8Array;
  /** TPMS_CLOCK_INFO */
  readonly clock: Readonly<Record<'clock' | 'resetCount' | 'restartCount', number>> & { readonly safe: boolean };
}

const TRIES = 8;
const EMPTY = new Uint8Array();

/**
 * Quotes PCRs for purpose `inspect`, over no channel and for no audience: no verifier takes it. The nonce stands for the challenge.
 * @throws AgentError `platform.*`
 */
export async function inspect(
  platform: TrustedPlatform,
  selection: PcrSelection,
  nonce: Uint8Array,
): Promise<Inspection> {
  const { akPublic } = await platform.identity();
  const { attest, signature, pcrs } = await consistent(platform, selection, {
    purpose: 'inspect',
    challengeDigest: nodeCrypto.sha256(nonce),
    binding: { type: 'none', value: EMPTY },
    audience: '',
    terminal: '',
    compartment: MRTM_COMPARTMENT,
    ownershipEpoch: 0n,
    claimsDigest: nodeCrypto.sha256(EMPTY),
    bindSessionKey: false,
    selection: writePcrSelection(selection),
  });
  const { clockInfo, extraData } = parseAttest(attest, 'quote');
  return {
    files: {
      'ak.pem': akPem(akPublic),
      'quote.attest': attest,
      'quote.sig': signature,
      'pcrs.bin': writePcrFile(selection, pcrs),
    },
    extraData,
    clock: { ...clockInfo, clock: Number(clockInfo.clock) },
  };
}

/** A quote and the values it covers: an agent may extend between the two, then both are taken again. */
async function consistent(
  platform: TrustedPlatform,
  selection: PcrSelection,
  request: QuoteRequest,
): Promise<Quote & { readonly pcrs: PcrValues }> {
  for (let tried = 0; tried < TRIES; tried++) {
    const quote = await platform.quote(request);
    const pcrs = { sha256: valuesByPcr(await platform.readPcrs()) };
    const { attested } = parseAttest(quote.attest, 'quote');
    const digest = pcrDigest(selection, pcrs, nodeCrypto.sha256);
    if (attested.type === 'quote' && equalBytes(attested.pcrDigest, digest)) return { ...quote, pcrs };
  }
  throw new AgentError('platform.busy', 'its PCRs change all the time');
}

function valuesByPcr(values: Uint8Array): ReadonlyMap<number, Uint8Array> {
  return new Map(
    Array.from({ length: PCR_COUNT }, (_, pcr) => [pcr, values.slice(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES)]),
  );
}

function akPem(akPublic: Uint8Array): string {
  const key = attestationKey(parsePublic(akPublic));
  if (key.algorithm !== 'ecdsa-p256') throw new AgentError('agent.malfunction', 'an AK that is no P-256 key');
  return encodePublicPem(p256Spki(key.x, key.y));
}
