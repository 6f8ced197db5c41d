import {
  type Attest,
  type Attested,
  type ProtocolCode,
  parseSignature,
  TPM_GENERATED_VALUE,
  writeAttest,
  writeSignature,
} from '@mtm-attest/protocol';
import { bytes, fill } from '../bytes.ts';
import { type DraftGroup, type DraftTest, invalid, valid } from '../draft.ts';
import { otherForm, SoftAk, sha256 } from '../keys.ts';
import { type Flag, groupOf, holds, type Question, scalarsOutOfRange, withoutKey } from './question.ts';

const SOFT = new SoftAk('quote');
const OTHER = new SoftAk('quote, other');
const SELECTION = bytes('00000001 000b 03 ff3c00');
const PCR_DIGEST = sha256(fill(32 * 12, 0x77));
const QUALIFYING_DATA = sha256(fill(1, 1));
const QUOTE: Extract<Attested, { type: 'quote' }> = {
  type: 'quote',
  selection: [],
  selectionBytes: SELECTION,
  pcrDigest: PCR_DIGEST,
};
const ATTEST: Attest = {
  magic: TPM_GENERATED_VALUE,
  qualifiedSigner: SOFT.qualifiedName,
  extraData: QUALIFYING_DATA,
  clockInfo: { clock: 86_400_000n, resetCount: 3, restartCount: 1, safe: true },
  firmwareVersion: 1n,
  attested: QUOTE,
};
const GOOD = questionOf(ATTEST);

function questionOf(attest: Attest, key: SoftAk = SOFT): Question {
  const written = writeAttest(attest);
  const signature = key.attestSignature(written);
  return {
    selection: SELECTION,
    qualifyingData: QUALIFYING_DATA,
    pcrDigest: PCR_DIGEST,
    attest: written,
    signature,
  };
}

/** What the key signs otherwise; every signature verifies, so that the fault named is the only one. */
const SIGNED: readonly (readonly [string, Flag, ProtocolCode, Partial<Attest>, number?])[] = [
  [
    'one PCR less, signed',
    'Selection',
    'quote.selection',
    quoting({ selectionBytes: bytes('00000001 000b 03 7f3c00') }),
  ],
  ['no PCR, signed', 'Selection', 'quote.selection', quoting({ selectionBytes: bytes('00000000') })],
  [
    'an empty bitmap, signed',
    'Selection',
    'quote.selection',
    quoting({ selectionBytes: bytes('00000001 000b 03 000000') }),
  ],
  ['other PCR values, signed', 'PcrValues', 'pcr.digest', quoting({ pcrDigest: fill(32, 0) })],
  ['other qualifying data, signed', 'Nonce', 'quote.nonce', { extraData: sha256(fill(1, 2)) }],
  ['the qualifying data and more, signed', 'Nonce', 'quote.nonce', { extraData: bytes(QUALIFYING_DATA, '00') }],
  ['the Name in place of the qualified Name', 'Signer', 'quote.signer', { qualifiedSigner: SOFT.akName }],
  ['signed, but not by a TPM', 'Magic', 'quote.magic', { magic: 0x00544347 }, 0],
  [
    'TPM2_Certify by the same key',
    'Type',
    'quote.type',
    { attested: { type: 'certify', name: SOFT.akName, qualifiedName: SOFT.qualifiedName } },
    4,
  ],
  [
    'TPM2_NV_Certify by the same key',
    'Type',
    'quote.type',
    { attested: { type: 'nv', indexName: SOFT.akName, offset: 0, contents: PCR_DIGEST } },
    4,
  ],
];

function quoting(change: Partial<typeof QUOTE>): Partial<Attest> {
  return { attested: { ...QUOTE, ...change } };
}

/** A soft TrE, whose key can be made to sign anything. */
export function softGroup(): DraftGroup {
  const { signature } = parseSignature(GOOD.signature);
  const high = writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: otherForm(signature) });
  const byOther = { ...questionOf({ ...ATTEST, qualifiedSigner: OTHER.qualifiedName }, OTHER) };
  const tests: DraftTest[] = [
    valid('as a soft TrE makes it', holds(GOOD)),
    valid('with the high s', holds({ ...GOOD, signature: high }), ['HighS']),
    ...withoutKey(GOOD, 'ecdsa'),
    ...scalarsOutOfRange(GOOD),
    ...SIGNED.map(([comment, flag, error, change, offset]) =>
      invalid(comment, flag, error, { ...questionOf({ ...ATTEST, ...change }) }, offset),
    ),
    invalid('by another key under its own Name', 'Signer', 'quote.signer', byOther),
    invalid('by another key under the Name of this one', 'Forged', 'signature.invalid', {
      ...questionOf(ATTEST, OTHER),
    }),
  ];
  return groupOf('soft', 'ecdsa-p256', { public: SOFT.area, qualifiedName: SOFT.qualifiedName }, tests);
}
