import { AK_ATTRIBUTES, NO_DA } from '@mtm-attest/protocol';
import { bytes, fill, flipped, overwritten } from './bytes.ts';
import { type Draft, type DraftGroup, invalid, note, valid } from './draft.ts';
import { EMULATOR_QUOTES, KNOWN_QUOTE } from './emulator-quotes.ts';
import { SoftAk } from './keys.ts';

const NOTES = {
  Attributes: note('KEY_USAGE', 'a key that signs whatever it is given passes as one that signs quotes only', 'F-09'),
  Parameters: note('WEAK_KEY', 'a weak or unusual key is enrolled', 'F-10'),
  Point: note('INVALID_CURVE', 'a point that is not on the curve', 'F-62'),
};

const SOFT = new SoftAk('attestation key');

/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted and sign must be set; these bits may not. */
const WRONG_ATTRIBUTES: readonly (readonly [comment: string, attributes: number])[] = [
  ['not restricted', AK_ATTRIBUTES & ~0x10000],
  ['not fixedTPM', AK_ATTRIBUTES & ~0x2],
  ['not fixedParent', AK_ATTRIBUTES & ~0x10],
  ['imported: not sensitiveDataOrigin', AK_ATTRIBUTES & ~0x20],
  ['not userWithAuth', AK_ATTRIBUTES & ~0x40],
  ['not a signing key', AK_ATTRIBUTES & ~0x40000],
  ['also decrypts', AK_ATTRIBUTES | 0x20000],
  ['noDA', AK_ATTRIBUTES | NO_DA],
  ['stClear', AK_ATTRIBUTES | 0x4],
  ['adminWithPolicy', AK_ATTRIBUTES | 0x80],
  ['encryptedDuplication', AK_ATTRIBUTES | 0x800],
  ['a reserved bit', AK_ATTRIBUTES + 0x80000000],
];

function eccGroup(): DraftGroup {
  const { area } = SOFT;
  const value = { algorithm: 'ecdsa-p256', hash: 'sha256' };
  return {
    type: 'AttestationKey',
    fields: { algorithm: 'ecdsa-p256' },
    tests: [
      valid('of a soft TrE', { public: area, value }),
      valid('of an emulator', { public: KNOWN_QUOTE.public, value }),
      ...WRONG_ATTRIBUTES.map(([comment, attributes]) =>
        invalid(comment, 'Attributes', 'key.attributes', { public: SOFT.publicArea(attributes >>> 0) }),
      ),
      invalid('nameAlg SHA-1', 'Parameters', 'key.parameters', { public: overwritten(area, 2, '0004') }),
      invalid('curve P-224', 'Parameters', 'key.parameters', { public: overwritten(area, 16, '0002') }),
      invalid('curve P-384', 'Parameters', 'key.parameters', { public: overwritten(area, 16, '0004') }),
      invalid('ECDSA with SHA-1', 'Parameters', 'key.parameters', { public: overwritten(area, 14, '0004') }),
      invalid('ECDSA with SHA-384', 'Parameters', 'key.parameters', { public: overwritten(area, 14, '000c') }),
      invalid('ECDH in place of a scheme', 'Parameters', 'key.parameters', { public: overwritten(area, 12, '0019') }),
      invalid('a key derivation function', 'Parameters', 'key.parameters', {
        public: bytes(area.subarray(0, 18), '0020000b', area.subarray(20)),
      }),
      invalid('no scheme', 'Parameters', 'key.parameters', {
        public: bytes(area.subarray(0, 12), '0010', area.subarray(16)),
      }),
      invalid('a symmetric algorithm', 'Parameters', 'key.parameters', {
        public: bytes(area.subarray(0, 10), '0006 0080 0043', area.subarray(12)),
      }),
      invalid('x of 33 bytes', 'Parameters', 'key.parameters', {
        public: bytes(area.subarray(0, 20), '0021 00', area.subarray(22)),
      }),
      invalid('an HMAC key', 'Parameters', 'key.parameters', {
        public: bytes('0008 000b 00050072 0000 0005 000b 0020', fill(32, 3)),
      }),
      invalid('a bit of y flipped', 'Point', 'key.parameters', { public: flipped(area, 8 * area.length - 1) }),
      invalid('the point at the origin', 'Point', 'key.parameters', {
        public: bytes(area.subarray(0, 20), '0020', fill(32, 0), '0020', fill(32, 0)),
      }),
      invalid('x above the field', 'Point', 'key.parameters', { public: overwritten(area, 22, fill(32, 0xff)) }),
    ],
  };
}

/** Offsets in the TPMT_PUBLIC of an RSA key without a policy. */
const RSA = { scheme: 12, hash: 14, keyBits: 16, exponent: 18, size: 22, modulus: 24 } as const;

function rsaGroup(algorithm: 'rsassa' | 'rsapss', hash: string): DraftGroup {
  const area = EMULATOR_QUOTES[algorithm].public;
  const ofBits = (bits: string, modulus: Uint8Array): Uint8Array => {
    const length = Uint8Array.of(modulus.length >> 8, modulus.length & 0xff);
    return bytes(area.subarray(0, RSA.keyBits), bits, '00000000', length, modulus);
  };
  const modulus = area.subarray(RSA.modulus);
  return {
    type: 'AttestationKey',
    fields: { algorithm },
    tests: [
      valid('of an emulator', { public: area, value: { algorithm, hash } }),
      invalid('not restricted', 'Attributes', 'key.attributes', { public: overwritten(area, 4, '00040072') }),
      invalid('a modulus of 1024 bits', 'Parameters', 'key.parameters', {
        public: ofBits('0400', modulus.subarray(128)),
      }),
      invalid('a modulus shorter than keyBits', 'Parameters', 'key.parameters', {
        public: ofBits('0800', modulus.subarray(1)),
      }),
      invalid('an even modulus', 'Parameters', 'key.parameters', { public: flipped(area, 8 * area.length - 1) }),
      invalid('a modulus whose top bit is clear', 'Parameters', 'key.parameters', {
        public: flipped(area, 8 * RSA.modulus),
      }),
      invalid('exponent 3', 'Parameters', 'key.parameters', { public: overwritten(area, RSA.exponent, '00000003') }),
      invalid('exponent 1', 'Parameters', 'key.parameters', { public: overwritten(area, RSA.exponent, '00000001') }),
      invalid('SHA-1', 'Parameters', 'key.parameters', { public: overwritten(area, RSA.hash, '0004') }),
      invalid('an encryption scheme', 'Parameters', 'key.parameters', {
        public: overwritten(area, RSA.scheme, '0017'),
      }),
    ],
  };
}

/** Which public areas may be enrolled. */
export function attestationKeyDraft(): Draft {
  return {
    file: 'attestation-key',
    notes: NOTES,
    groups: [eccGroup(), rsaGroup('rsassa', 'sha256'), rsaGroup('rsapss', 'sha384')],
  };
}
