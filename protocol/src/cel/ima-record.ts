import { type ImaEntry, isViolation } from '../ima/entry.ts';
import type { ImaRule } from '../ima/replay.ts';
import { templateDigest } from '../ima/template-digest.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { type CelRecord, celPcr } from './record.ts';

/** An entry of an IMA list, but for its number, with what each bank was extended with: all ones for a violation. */
export function celOfIma(
  entry: ImaEntry,
  hashes: Hashes,
  banks: readonly HashName[],
  rule: ImaRule,
): Omit<CelRecord, 'recnum'> {
  const { pcr, template, data } = entry;
  const violation = isViolation(entry);
  const digests = banks.map((bank) => {
    const { algorithm, size } = HASHES[bank];
    const digest = new Uint8Array(size).fill(violation ? 0xff : 0);
    if (!violation) digest.set(templateDigest(template, data, hashes[rule === 'padded' ? 'sha1' : bank]));
    return { algorithm, digest };
  });
  return { index: celPcr(pcr), digests, content: { type: 'ima_template', name: template, data } };
}
