import {
  type Attest,
  type Attested,
  type Public,
  parseAttest,
  parsePublic,
  TPM_ALG,
  writeAttest,
  writePublic,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import { bytes, fill, overwritten } from './bytes.ts';
import { type Draft, type DraftGroup, type DraftTest, invalid, note, valid } from './draft.ts';
import { KNOWN_QUOTE } from './emulator-quotes.ts';
import { SoftAk } from './keys.ts';

const NOTES = {
  Truncated: note('BOUNDS', 'a field is read past the end of the structure', 'F-19'),
  TrailingBytes: note('EXACT_CONSUMPTION', 'two encodings of one structure, or bytes that nobody checked', 'F-19'),
  InnerLength: note('BOUNDS', 'an inner length reaches beyond the structure', 'F-19'),
  Value: note('RANGE', 'a value that the standard does not allow is taken for another one', 'F-19'),
  Magic: note('ORIGIN', 'bytes that no TPM made pass as an attestation', 'F-18'),
  Algorithm: note('ALGORITHM_CONFUSION', 'a scheme or hash that nobody enrolled', 'F-17'),
};

const ATTEST = KNOWN_QUOTE.attest;
const AK = new SoftAk('structures');
/** Name of SHA-256 */
const NAME = bytes('000b', fill(32, 0x21));

const HEAD: Omit<Attest, 'attested'> = {
  magic: 0xff544347,
  qualifiedSigner: NAME,
  extraData: fill(32, 0x11),
  clockInfo: { clock: 0x0102030405060708n, resetCount: 7, restartCount: 0xffffffff, safe: false },
  firmwareVersion: 0xffffffffffffffffn,
};

/** Every body that an attestation key can sign. */
const BODIES: readonly (readonly [comment: string, attested: Attested])[] = [
  ['TPMS_CERTIFY_INFO', { type: 'certify', name: NAME, qualifiedName: NAME }],
  ['TPMS_CREATION_INFO', { type: 'creation', objectName: NAME, creationHash: fill(32, 0x31) }],
  ['TPMS_NV_CERTIFY_INFO', { type: 'nv', indexName: NAME, offset: 8, contents: fill(8, 0x41) }],
  ['TPMS_NV_DIGEST_CERTIFY_INFO', { type: 'nv-digest', indexName: NAME, digest: fill(32, 0x51) }],
  ['TPMS_TIME_ATTEST_INFO', { type: 'time', time: 9n, clockInfo: HEAD.clockInfo, firmwareVersion: 1n }],
  ['TPMS_SESSION_AUDIT_INFO', { type: 'session-audit', exclusive: true, digest: fill(32, 0x61) }],
  [
    'TPMS_COMMAND_AUDIT_INFO',
    { type: 'command-audit', counter: 5n, digestAlg: 11, auditDigest: fill(32, 0x71), commandDigest: fill(32, 0x72) },
  ],
];

/** Where each field of the known quote begins. */
const FIELDS_OF_QUOTE = [0, 4, 6, 8, 42, 44, 76, 84, 88, 92, 93, 101, 105, 107, 108, 111, 113];

function attestGroup(): DraftGroup {
  const input = ATTEST;
  const tests: DraftTest[] = [
    valid('a quote of an emulator', { input, value: toPlain(parseAttest(input)) }),
    ...BODIES.map(([comment, attested]) => {
      const attest = { ...HEAD, attested };
      return valid(comment, { input: writeAttest(attest), value: toPlain(attest) });
    }),
    ...FIELDS_OF_QUOTE.map((at) =>
      invalid(`cut before byte ${at}`, 'Truncated', 'tpm.truncated', { input: input.subarray(0, at) }, at),
    ),
    invalid('the last byte missing', 'Truncated', 'tpm.truncated', { input: input.subarray(0, 144) }, 113),
    invalid('a byte behind pcrDigest', 'TrailingBytes', 'tpm.trailing-bytes', { input: bytes(input, '00') }, 145),
    invalid(
      'qualifiedSigner longer than the rest',
      'InnerLength',
      'tpm.truncated',
      { input: overwritten(input, 6, 'ffff') },
      8,
    ),
    invalid(
      'pcrDigest one byte longer',
      'InnerLength',
      'tpm.truncated',
      { input: overwritten(input, 111, '0021') },
      113,
    ),
    invalid(
      'pcrDigest one byte shorter',
      'InnerLength',
      'tpm.trailing-bytes',
      { input: overwritten(input, 111, '001f') },
      144,
    ),
    invalid('safe is 2', 'Value', 'tpm.value', { input: overwritten(input, 92, '02') }, 92),
    invalid('an unknown bank', 'Value', 'tpm.value', { input: overwritten(input, 105, '0012') }, 105),
    invalid('a bitmap of 5 bytes', 'Value', 'tpm.value', { input: overwritten(input, 107, '05') }, 105),
    invalid('4 billion banks', 'Value', 'tpm.value', { input: overwritten(input, 101, 'ffffffff') }, 101),
    invalid('an unknown type', 'Value', 'tpm.value', { input: overwritten(input, 4, '801b') }, 4),
    invalid('another magic', 'Magic', 'quote.magic', { input: overwritten(input, 0, 'ff544348') }, 0),
    invalid('bytes turned round', 'Magic', 'quote.magic', { input: overwritten(input, 0, '474354ff') }, 0),
    ...BODIES.flatMap(([comment, attested]) =>
      mutationsOf(comment, writeAttest({ ...HEAD, attested }), lastField(attested)),
    ),
  ];
  return { type: 'TpmStructure', fields: { structure: 'attest' }, tests };
}

/** Bytes of the last field behind its length. */
function lastField(attested: Attested): number {
  return attested.type === 'certify' ? 34 : attested.type === 'nv' || attested.type === 'time' ? 8 : 32;
}

function mutationsOf(comment: string, input: Uint8Array, last: number): readonly DraftTest[] {
  const at = input.length - last;
  return [
    invalid(`${comment}, the last byte missing`, 'Truncated', 'tpm.truncated', { input: input.subarray(0, -1) }, at),
    invalid(
      `${comment} and a byte`,
      'TrailingBytes',
      'tpm.trailing-bytes',
      { input: bytes(input, 'ff') },
      input.length,
    ),
    invalid(`${comment}, cut before its body`, 'Truncated', 'tpm.truncated', { input: input.subarray(0, 101) }, 101),
  ];
}

const EMPTY = new Uint8Array();
const RSA_AREA: Public = {
  nameAlg: TPM_ALG.SHA256,
  attributes: 0x00050072,
  authPolicy: EMPTY,
  parameters: {
    type: 'rsa',
    symmetric: undefined,
    scheme: { algorithm: TPM_ALG.RSASSA, hash: TPM_ALG.SHA256 },
    keyBits: 2048,
    exponent: 0,
    modulus: fill(256, 0xc1),
  },
};
const STORAGE_AREA: Public = {
  nameAlg: TPM_ALG.SHA256,
  attributes: 0x00030072,
  authPolicy: fill(32, 0x81),
  parameters: {
    type: 'ecc',
    symmetric: { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB },
    scheme: { algorithm: TPM_ALG.NULL, hash: undefined },
    curve: 3,
    kdf: { algorithm: TPM_ALG.NULL, hash: undefined },
    x: fill(32, 1),
    y: fill(32, 2),
  },
};
const KEYED_HASH: Public = {
  nameAlg: TPM_ALG.SHA256,
  attributes: 0x00040072,
  authPolicy: EMPTY,
  parameters: { type: 'keyedhash', scheme: { algorithm: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 }, unique: fill(32, 3) },
};
const SYMCIPHER: Public = {
  nameAlg: TPM_ALG.SHA256,
  attributes: 0x00060072,
  authPolicy: EMPTY,
  parameters: {
    type: 'symcipher',
    symmetric: { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB },
    unique: fill(32, 4),
  },
};

function publicGroup(): DraftGroup {
  const area = AK.area;
  const areas: readonly (readonly [string, Uint8Array])[] = [
    ['an ECC attestation key', area],
    ['an RSA attestation key', writePublic(RSA_AREA)],
    ['an ECC storage key with a policy', writePublic(STORAGE_AREA)],
    ['an HMAC key', writePublic(KEYED_HASH)],
    ['a symmetric key', writePublic(SYMCIPHER)],
  ];
  const tests: DraftTest[] = [
    ...areas.map(([comment, input]) => valid(comment, { input, value: toPlain(parsePublic(input)) })),
    ...[0, 2, 4, 8, 10, 12, 16, 18, 20, 22, 54].map((at) =>
      invalid(`cut before byte ${at}`, 'Truncated', 'tpm.truncated', { input: area.subarray(0, at) }, at),
    ),
    invalid('the last byte missing', 'Truncated', 'tpm.truncated', { input: area.subarray(0, -1) }, 56),
    invalid('a byte behind y', 'TrailingBytes', 'tpm.trailing-bytes', { input: bytes(area, '00') }, 88),
    invalid('authPolicy beyond the end', 'InnerLength', 'tpm.truncated', { input: overwritten(area, 8, '1000') }, 10),
    invalid('y one byte shorter', 'InnerLength', 'tpm.trailing-bytes', { input: overwritten(area, 54, '001f') }, 87),
    invalid('an unknown type', 'Value', 'tpm.value', { input: overwritten(area, 0, '0024') }, 0),
    invalid('ECDAA, whose scheme has two fields', 'Value', 'tpm.value', { input: overwritten(area, 12, '001a') }, 12),
    invalid(
      'a symmetric key without an algorithm',
      'Value',
      'tpm.value',
      { input: bytes('0025000b000600720000 0010 0020', fill(32, 4)) },
      10,
    ),
    invalid('with the size of a TPM2B before it', 'InnerLength', 'tpm.truncated', { input: bytes('0058', area) }, 10),
  ];
  return { type: 'TpmStructure', fields: { structure: 'public' }, tests };
}

function signatureGroup(): DraftGroup {
  const ecdsa = KNOWN_QUOTE.signature;
  const rsa = bytes('0014 000b 0100', fill(256, 0x71));
  const scalars = (r: Uint8Array, s: Uint8Array): Uint8Array =>
    bytes('0018000b', Uint8Array.of(0, r.length), r, Uint8Array.of(0, s.length), s);
  const one = fill(32, 1);
  const tests: DraftTest[] = [
    valid('ECDSA of an emulator', {
      input: ecdsa,
      value: { scheme: 'ecdsa', hash: 'sha256', signature: bytes(ecdsa.subarray(6, 38), ecdsa.subarray(40)) },
    }),
    valid('RSASSA with SHA-256', {
      input: rsa,
      value: { scheme: 'rsassa', hash: 'sha256', signature: fill(256, 0x71) },
    }),
    valid('RSAPSS with SHA-384', {
      input: bytes('0016 000c 0100', fill(256, 0x72)),
      value: { scheme: 'rsapss', hash: 'sha384', signature: fill(256, 0x72) },
    }),
    ...[0, 2, 4, 6, 38].map((at) =>
      invalid(`cut before byte ${at}`, 'Truncated', 'tpm.truncated', { input: ecdsa.subarray(0, at) }, at),
    ),
    invalid('the last byte missing', 'Truncated', 'tpm.truncated', { input: ecdsa.subarray(0, -1) }, 40),
    invalid('a byte behind s', 'TrailingBytes', 'tpm.trailing-bytes', { input: bytes(ecdsa, '00') }, 72),
    invalid('RSA and a byte', 'TrailingBytes', 'tpm.trailing-bytes', { input: bytes(rsa, '00') }, 262),
    invalid('RSA of no bytes', 'Value', 'tpm.value', { input: bytes('0014 000b 0000') }, 4),
    invalid('r is zero', 'Value', 'tpm.value', { input: scalars(fill(32, 0), one) }, 4),
    invalid('s is zero', 'Value', 'tpm.value', { input: scalars(one, fill(32, 0)) }, 38),
    invalid('s of no bytes', 'Value', 'tpm.value', { input: scalars(one, EMPTY) }, 38),
    invalid('r of 33 bytes', 'Value', 'tpm.value', { input: scalars(fill(33, 1), one) }, 4),
    invalid('HMAC', 'Algorithm', 'signature.algorithm', { input: overwritten(ecdsa, 0, '0005') }, 0),
    invalid('no signature at all', 'Algorithm', 'signature.algorithm', { input: bytes('0010') }, 0),
    invalid('an unknown hash', 'Algorithm', 'signature.algorithm', { input: overwritten(ecdsa, 2, '0012') }, 2),
  ];
  return { type: 'TpmStructure', fields: { structure: 'signature' }, tests };
}

function selectionGroup(): DraftGroup {
  const one = bytes('00000001 000b 03 030400');
  const two = bytes('00000002 0004 03 010000 000b 03 ffffff');
  const tests: DraftTest[] = [
    valid('three PCRs of one bank', { input: one, value: [{ bank: 'sha256', pcrs: [0, 1, 10] }] }),
    valid('two banks, their order kept', {
      input: two,
      value: [
        { bank: 'sha1', pcrs: [0] },
        { bank: 'sha256', pcrs: Array.from({ length: 24 }, (_, i) => i) },
      ],
    }),
    valid('no bank', { input: bytes('00000000'), value: [] }),
    ...[0, 4, 6, 7].map((at) =>
      invalid(`cut before byte ${at}`, 'Truncated', 'tpm.truncated', { input: one.subarray(0, at) }, at),
    ),
    invalid('a bitmap cut', 'Truncated', 'tpm.truncated', { input: one.subarray(0, 9) }, 7),
    invalid('a bank less than declared', 'Truncated', 'tpm.truncated', { input: overwritten(one, 3, '02') }, 10),
    invalid(
      'a bank more than declared',
      'TrailingBytes',
      'tpm.trailing-bytes',
      { input: overwritten(two, 3, '01') },
      10,
    ),
    invalid('a byte behind it', 'TrailingBytes', 'tpm.trailing-bytes', { input: bytes(one, '00') }, 10),
    invalid('an unknown bank', 'Value', 'tpm.value', { input: overwritten(one, 4, '0012') }, 4),
    invalid('17 banks', 'Value', 'tpm.value', { input: overwritten(one, 0, '00000011') }, 0),
    invalid('a bitmap of 5 bytes', 'Value', 'tpm.value', { input: bytes('00000001 000b 05 0304000000') }, 4),
  ];
  return { type: 'TpmStructure', fields: { structure: 'pcr-selection' }, tests };
}

/** TPM structures, consumed exactly. */
export function tpmStructureDraft(): Draft {
  return {
    file: 'tpm-structure',
    notes: NOTES,
    groups: [attestGroup(), publicGroup(), signatureGroup(), selectionGroup()],
  };
}
