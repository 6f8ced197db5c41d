import { nameOf, nobleCrypto, primaryQualifiedName, TPM_RH } from '@mtm-attest/protocol';
import { bytes, overwritten } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';
import { EMULATOR_QUOTES, KNOWN_QUOTE } from './emulator-quotes.ts';
import { SoftAk, sha256 } from './keys.ts';

const NOTES = {
  OtherKey: note('IDENTITY', 'a key passes under the Name of another one', 'F-08', 'F-09'),
  SizeHashed: note('FORMAT', 'the size of a TPM2B is hashed into the Name, which no TPM does'),
  OtherHierarchy: note('IDENTITY', 'a key outside the endorsement hierarchy passes as one inside it', 'F-08'),
  Malformed: note('BOUNDS', 'a Name of something that is no public area', 'F-19'),
};

const SOFT = new SoftAk('names');
const { ENDORSEMENT, OWNER } = TPM_RH;

function fields(area: Uint8Array, claimed: Uint8Array, qualified: Uint8Array): Readonly<Record<string, unknown>> {
  return { public: area, claimed, qualified };
}

function mistakes(): readonly DraftTest[] {
  const { area, akName, qualifiedName } = SOFT;
  const other = new SoftAk('names, other');
  const withSize = bytes('000b', sha256(bytes('0058', area)));
  const qualifiedOf = (name: Uint8Array): Uint8Array => primaryQualifiedName(ENDORSEMENT, name, nobleCrypto);
  const sha384 = overwritten(area, 2, '000c');
  const error = 'quote.signer';
  return [
    invalid('the Name of another key', 'OtherKey', error, fields(area, other.akName, qualifiedName)),
    invalid('the qualified Name of another key', 'OtherKey', error, fields(area, akName, other.qualifiedName)),
    invalid('attributes changed', 'OtherKey', error, fields(overwritten(area, 4, '00040072'), akName, qualifiedName)),
    invalid('nameAlg changed', 'OtherKey', error, fields(sha384, akName, qualifiedName)),
    invalid('the digest without nameAlg', 'OtherKey', error, fields(area, akName.subarray(2), qualifiedName)),
    invalid('the Name in place of the qualified Name', 'OtherKey', error, fields(area, akName, akName)),
    invalid('over a TPM2B', 'SizeHashed', error, fields(area, withSize, qualifiedOf(withSize))),
    invalid(
      'qualified in the owner hierarchy',
      'OtherHierarchy',
      error,
      fields(area, akName, primaryQualifiedName(OWNER, akName, nobleCrypto)),
    ),
    ...[0, 1, 3].map((length) =>
      invalid(
        `a public area of ${length} bytes`,
        'Malformed',
        'tpm.truncated',
        fields(area.subarray(0, length), akName, qualifiedName),
        length,
      ),
    ),
    invalid(
      'an unknown nameAlg',
      'Malformed',
      'tpm.value',
      fields(overwritten(area, 2, '0012'), akName, qualifiedName),
      2,
    ),
    invalid('nameAlg NULL', 'Malformed', 'tpm.value', fields(overwritten(area, 2, '0010'), akName, qualifiedName), 2),
  ];
}

/** Names and qualified Names. */
export function namesDraft(): Draft {
  const rsa = EMULATOR_QUOTES.rsassa;
  const sha384 = overwritten(SOFT.area, 2, '000c');
  const sha384Name = nameOf(sha384, nobleCrypto);
  const qualified = primaryQualifiedName(OWNER, SOFT.akName, nobleCrypto);
  return {
    file: 'names',
    notes: NOTES,
    groups: [
      {
        type: 'Names',
        fields: { hierarchy: ENDORSEMENT },
        tests: [
          valid('an ECC key of an emulator', fields(KNOWN_QUOTE.public, KNOWN_QUOTE.akName, KNOWN_QUOTE.qualifiedName)),
          valid('an RSA key of an emulator', fields(rsa.public, rsa.akName, rsa.qualifiedName)),
          valid(
            'nameAlg SHA-384',
            fields(sha384, sha384Name, primaryQualifiedName(ENDORSEMENT, sha384Name, nobleCrypto)),
          ),
          ...mistakes(),
        ],
      },
      {
        type: 'Names',
        fields: { hierarchy: OWNER },
        tests: [
          valid('a key of the owner hierarchy', fields(SOFT.area, SOFT.akName, qualified)),
          invalid(
            'qualified in the endorsement hierarchy',
            'OtherHierarchy',
            'quote.signer',
            fields(SOFT.area, SOFT.akName, SOFT.qualifiedName),
          ),
        ],
      },
    ],
  };
}
