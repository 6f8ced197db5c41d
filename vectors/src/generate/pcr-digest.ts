import { type HashName, nobleCrypto, type PcrSelection, writePcrSelection } from '@mtm-attest/protocol';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftGroup, invalid, note, valid } from './draft.ts';
import { EMULATOR_PCR_10, EMULATOR_SELECTION } from './emulator-quotes.ts';

const NOTES = {
  Selection: note('DOWNGRADE', 'the digest covers other PCRs than the ones that were asked for', 'F-15'),
  Order: note('ORDER', 'values of two PCRs or banks change places'),
  Hash: note('ALGORITHM_CONFUSION', 'the hash of a bank stands in for that of the signing scheme', 'F-16'),
  Value: note('BOUNDS', 'a value is missing, or takes bytes from its neighbour', 'F-67'),
};

type Values = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

const ZERO = fill(32, 0);
const VALUES: Values = {
  sha256: { 0: ZERO, 1: fill(32, 0x11), 10: EMULATOR_PCR_10 },
  sha1: { 0: fill(20, 0x22), 7: fill(20, 0x33) },
};
const { sha1, sha256 } = VALUES as { readonly sha1: Values[string]; readonly sha256: Values[string] };
const BOTH: PcrSelection = [
  { bank: 'sha1', pcrs: [0, 7] },
  { bank: 'sha256', pcrs: [1, 10] },
];
const OF_BOTH: readonly Uint8Array[] = [fill(20, 0x22), fill(20, 0x33), fill(32, 0x11), EMULATOR_PCR_10];

function group(hash: HashName): DraftGroup {
  const over = (...values: readonly Uint8Array[]): Uint8Array => nobleCrypto[hash](bytes(...values));
  const digest = over(...OF_BOTH);
  const [first, second, third, fourth] = OF_BOTH as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const asked = { selection: writePcrSelection(BOTH), values: VALUES, digest };
  const other: HashName = hash === 'sha1' ? 'sha256' : 'sha1';
  const without = { ...VALUES, sha1: { 0: sha1['0'] } };
  const short = { ...VALUES, sha256: { ...sha256, 10: fill(31, 0x10) } };
  const long = { ...VALUES, sha1: { 0: fill(21, 0x22), 7: fill(19, 0x33) } };
  return {
    type: 'PcrDigest',
    fields: { hash },
    tests: [
      valid('two banks, the first one SHA-1', asked),
      valid('no PCR at all', { selection: bytes('00000000'), values: {}, digest: over() }),
      invalid('one PCR less', 'Selection', 'pcr.digest', { ...asked, digest: over(first, second, third) }),
      invalid('no PCR', 'Selection', 'pcr.digest', { ...asked, digest: over() }),
      invalid('one PCR more', 'Selection', 'pcr.digest', { ...asked, digest: over(...OF_BOTH, ZERO) }),
      invalid('banks exchanged', 'Order', 'pcr.digest', { ...asked, digest: over(third, fourth, first, second) }),
      invalid('indices descending', 'Order', 'pcr.digest', { ...asked, digest: over(second, first, third, fourth) }),
      invalid('by another hash', 'Hash', 'pcr.digest', { ...asked, digest: nobleCrypto[other](bytes(...OF_BOTH)) }),
      invalid('a selected PCR without value', 'Value', 'pcr.value-missing', { ...asked, values: without }),
      invalid('a bank without values', 'Value', 'pcr.value-missing', { ...asked, values: { sha256 } }),
      invalid('a value of 31 bytes', 'Value', 'pcr.value-length', { ...asked, values: short }),
      invalid('a byte moved to the neighbour', 'Value', 'pcr.value-length', { ...asked, values: long }),
    ],
  };
}

/** pcrDigest. */
export function pcrDigestDraft(): Draft {
  const known = bytes('84cd32741cb0912fab9301664eda546c79b482243a8fb6357183f5d1cce640ad');
  const values = { sha256: { 0: ZERO, 1: ZERO, 10: EMULATOR_PCR_10 } };
  const groups = (['sha256', 'sha384', 'sha512'] as const).map(group);
  const emulator: DraftGroup = {
    type: 'PcrDigest',
    fields: { hash: 'sha256' },
    tests: [
      valid('as an emulator quoted it', { selection: EMULATOR_SELECTION, values, digest: known }),
      invalid('PCR 10 zero', 'Value', 'pcr.digest', {
        selection: EMULATOR_SELECTION,
        values: { sha256: { ...values.sha256, 10: ZERO } },
        digest: known,
      }),
    ],
  };
  return { file: 'pcr-digest', notes: NOTES, groups: [emulator, ...groups] };
}
