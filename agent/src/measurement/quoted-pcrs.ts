import {
  equalBytes,
  HASHES,
  type HashName,
  PCR_BYTES,
  parseAttest,
  parsePcrSelection,
  pcrDigest,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { Quote } from '../platform/platform.ts';

const HASH_NAMES: readonly HashName[] = ['sha256', 'sha384', 'sha512'];

/**
 * The selected values, where they are those that a quote covers: the kernel may extend PCR 10 between a quote and a reading.
 *
 * @param selection TPML_PCR_SELECTION of the SHA-256 bank
 * @param pcrs 24 values as they were read, 768 bytes
 * @returns undefined where the quote is over other values
 */
export function quotedPcrs({ attest }: Quote, selection: Uint8Array, pcrs: Uint8Array): Uint8Array | undefined {
  const { attested } = parseAttest(attest);
  if (attested.type !== 'quote') return undefined;
  const parsed = parsePcrSelection(selection);
  const indices = parsed.flatMap((bank) => bank.pcrs);
  const value = (pcr: number): Uint8Array => pcrs.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES);
  const hash = HASH_NAMES.find((name) => HASHES[name].size === attested.pcrDigest.length);
  if (hash === undefined) return undefined;
  const digest = pcrDigest(parsed, { sha256: new Map(indices.map((pcr) => [pcr, value(pcr)])) }, nodeCrypto[hash]);
  return equalBytes(digest, attested.pcrDigest) ? new Uint8Array(Buffer.concat(indices.map(value))) : undefined;
}
