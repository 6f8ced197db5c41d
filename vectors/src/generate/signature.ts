import { utf8 } from '@mtm-attest/protocol';
import { bytes, fill, flipped, overwritten } from './bytes.ts';
import { type Draft, type DraftGroup, type DraftTest, invalid, note, valid } from './draft.ts';
import { EcdsaKey, EddsaKey, ed25519Spki, integer, otherForm, P256_ORDER, scalar } from './keys.ts';

const NOTES = {
  HighS: note('INTEROPERABILITY', 'half of the signatures that TPMs make are refused', 'F-61'),
  Forged: note('VERIFICATION', 'a signature passes that the key did not make', 'F-62'),
  Range: note('RANGE', 'r or s outside 1 to n - 1 verifies for chosen messages', 'F-62'),
  Length: note('FORMAT', 'a signature of another length is cut or padded', 'F-62'),
  Key: note(
    'INVALID_CURVE',
    'a key that is no point of the curve, or not in the one form of its encoding',
    'F-62',
    'F-64',
  ),
  SmallOrder: note('WEAK_KEY', 'a key of small order, under which one signature verifies for many messages', 'F-63'),
  NonCanonical: note('MALLEABILITY', 'two encodings of one key or of one scalar: verifiers disagree', 'F-64'),
};

const MESSAGE = utf8('what is signed');

function ecdsaGroup(): DraftGroup {
  const key = new EcdsaKey('signature');
  const { spki } = key;
  const signature = key.sign(MESSAGE);
  const good = { spki, message: MESSAGE, signature };
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const empty = new Uint8Array();
  const forged = (comment: string, flag: string, change: Uint8Array): DraftTest =>
    invalid(comment, flag, 'signature.invalid', { ...good, signature: change });
  const order = scalar(P256_ORDER);
  return {
    type: 'Signature',
    fields: { algorithm: 'ecdsa-p256' },
    tests: [
      valid('a low s', good),
      valid('the other form, a high s', { ...good, signature: otherForm(signature) }, ['HighS']),
      valid('of no bytes', { spki, message: empty, signature: key.sign(empty) }),
      invalid('another message', 'Forged', 'signature.invalid', { ...good, message: bytes(MESSAGE, '00') }),
      invalid('another key', 'Forged', 'signature.invalid', { ...good, spki: new EcdsaKey('signature, other').spki }),
      forged('a bit of r flipped', 'Forged', flipped(signature, 255)),
      forged('a bit of s flipped', 'Forged', flipped(signature, 511)),
      forged('r and s exchanged', 'Forged', bytes(s, r)),
      forged('r is zero', 'Range', bytes(fill(32, 0), s)),
      forged('s is zero', 'Range', bytes(r, fill(32, 0))),
      forged('r and s are zero', 'Range', fill(64, 0)),
      forged('r is n', 'Range', bytes(order, s)),
      forged('s is n', 'Range', bytes(r, order)),
      forged('r and s are n', 'Range', bytes(order, order)),
      forged('s above the field', 'Range', bytes(r, fill(32, 0xff))),
      forged('one byte less', 'Length', signature.subarray(0, 63)),
      forged('one byte more', 'Length', bytes(signature, '00')),
      forged('nothing', 'Length', empty),
      forged('in DER', 'Length', der(r, s)),
      invalid('a point off the curve', 'Key', 'key.parameters', { ...good, spki: flipped(spki, 8 * 91 - 1) }),
      invalid('a compressed point', 'Key', 'key.parameters', {
        ...good,
        spki: bytes('3039301306072a8648ce3d020106082a8648ce3d030107032200 02', key.x),
      }),
      invalid('the curve secp256k1', 'Key', 'key.parameters', {
        ...good,
        spki: bytes('3056301006072a8648ce3d020106052b8104000a034200 04', key.x, key.y),
      }),
      invalid('a byte behind the key', 'Key', 'key.parameters', { ...good, spki: bytes(spki, '00') }),
      invalid('no key', 'Key', 'key.parameters', { ...good, spki: empty }),
    ],
  };
}

function der(r: Uint8Array, s: Uint8Array): Uint8Array {
  const [first, second] = [r, s].map((one) => ((one[0] ?? 0) >= 0x80 ? bytes('00', one) : one)) as [
    Uint8Array,
    Uint8Array,
  ];
  const both = bytes('02', Uint8Array.of(first.length), first, '02', Uint8Array.of(second.length), second);
  return bytes('30', Uint8Array.of(both.length), both);
}

/** The order of the base point of edwards25519. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** Encodings of the points of small order, and of one that is not canonical. */
const SMALL_ORDER: readonly (readonly [comment: string, key: string])[] = [
  ['the neutral point', `01${'00'.repeat(31)}`],
  ['the point of order 2', `ec${'ff'.repeat(30)}7f`],
  ['a point of order 4', '00'.repeat(32)],
  ['the other point of order 4', `${'00'.repeat(31)}80`],
  ['a point of order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
  ['a second point of order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
  ['a third point of order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ['a fourth point of order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
];

const NON_CANONICAL: readonly (readonly [comment: string, key: string])[] = [
  ['the neutral point with the sign bit', `01${'00'.repeat(30)}80`],
  ['the neutral point as p + 1', `ee${'ff'.repeat(30)}7f`],
  ['zero as p', `ed${'ff'.repeat(30)}7f`],
  ['y is 2^255 - 1', 'ff'.repeat(32)],
];

function eddsaGroup(): DraftGroup {
  const key = new EddsaKey('signature');
  const signature = key.sign(MESSAGE);
  const good = { spki: key.spki, message: MESSAGE, signature };
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const forged = (comment: string, flag: string, change: Uint8Array): DraftTest =>
    invalid(comment, flag, 'signature.invalid', { ...good, signature: change });
  /** For a key of small order this signature, R neutral and S zero, would verify for every message or many. */
  const universal = bytes('01', fill(31, 0), fill(32, 0));
  const refusedKey =
    (flag: string) =>
    ([comment, hex]: readonly [string, string]): DraftTest =>
      invalid(comment, flag, 'key.parameters', { ...good, spki: ed25519Spki(bytes(hex)), signature: universal });
  return {
    type: 'Signature',
    fields: { algorithm: 'ed25519' },
    tests: [
      valid('as RFC 8032 makes it', good),
      valid('of no bytes', { spki: key.spki, message: new Uint8Array(), signature: key.sign(new Uint8Array()) }),
      invalid('another message', 'Forged', 'signature.invalid', { ...good, message: bytes(MESSAGE, '00') }),
      invalid('another key', 'Forged', 'signature.invalid', { ...good, spki: new EddsaKey('other').spki }),
      forged('a bit of R flipped', 'Forged', flipped(signature, 7)),
      forged('a bit of S flipped', 'Forged', flipped(signature, 263)),
      forged('R neutral and S zero', 'Forged', universal),
      forged('S + L', 'NonCanonical', bytes(r, littleEndian(integer(s.slice().reverse()) + L))),
      forged('S is L', 'NonCanonical', bytes(r, littleEndian(L))),
      forged('R not canonical', 'NonCanonical', overwritten(signature, 0, `ee${'ff'.repeat(30)}7f`)),
      forged('one byte less', 'Length', signature.subarray(0, 63)),
      forged('one byte more', 'Length', bytes(signature, '00')),
      ...SMALL_ORDER.map(refusedKey('SmallOrder')),
      ...NON_CANONICAL.map(refusedKey('NonCanonical')),
      invalid('a key that is on no curve', 'Key', 'key.parameters', {
        ...good,
        spki: ed25519Spki(bytes('02', fill(31, 0))),
      }),
      invalid('a key of 31 bytes', 'Key', 'key.parameters', { ...good, spki: key.spki.subarray(0, 43) }),
    ],
  };
}

/** 32 bytes */
function littleEndian(value: bigint): Uint8Array {
  return scalar(value).reverse();
}

/** Plain signatures: session keys and manifests. */
export function signatureDraft(): Draft {
  return { file: 'signature', notes: NOTES, groups: [ecdsaGroup(), eddsaGroup()] };
}
