import type { HashFunction } from '../crypto/hash.ts';
import type { HashName } from '../tpm/constants.ts';
import { type PcrValues, pcrDigest } from '../tpm/pcr.ts';

/** Name of the entry that ties a list to the boot before it. */
export const BOOT_AGGREGATE = 'boot_aggregate';

/** SHA-1: PCR 0 to 7; any other hash: PCR 0 to 9, of the bank of that hash (Linux, security/integrity/ima/ima_crypto.c). */
const LAST_PCR: Readonly<Record<HashName, number>> = { sha1: 7, sha256: 9, sha384: 9, sha512: 9 };

/** The PCRs that the boot aggregate of a bank covers, ascending. */
export function aggregatedPcrs(bank: HashName): readonly number[] {
  return Array.from({ length: LAST_PCR[bank] + 1 }, (_, pcr) => pcr);
}

/**
 * The boot aggregate that follows from PCR values.
 * @returns undefined where `values` lacks one of the PCRs
 * @throws ProtocolError `pcr.value-length`
 */
export function bootAggregate(bank: HashName, values: PcrValues, hash: HashFunction): Uint8Array | undefined {
  const pcrs = aggregatedPcrs(bank);
  if (pcrs.some((pcr) => values[bank]?.has(pcr) !== true)) return undefined;
  return pcrDigest([{ bank, pcrs }], values, hash);
}
