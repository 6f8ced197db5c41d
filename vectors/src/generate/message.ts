import {
  type AnyMessage,
  encodeCanonical,
  encodeMessage,
  MESSAGES,
  type Message,
  type MessageName,
  type MsgpackValue,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  Type: note('TYPE_CONFUSION', 'a message of an unknown kind is handled as another one', 'F-42', 'F-59'),
  Direction: note('STATE', 'a message that only the other side sends is handled', 'F-59'),
  Missing: note('TYPE_CONFUSION', 'a field that is absent is read as something', 'F-42'),
  Unknown: note('TYPE_CONFUSION', 'two readers differ about a field that one of them does not know', 'F-42'),
  FieldType: note('TYPE_CONFUSION', 'a value is turned into another type', 'F-42'),
  Bounds: note('RANGE', 'a value outside its bounds takes memory or means something else', 'F-46', 'F-47', 'F-56'),
  Id: note('ENCODING', 'an id that is a path, a query or two ids at once', 'F-50', 'F-93', 'F-95'),
  Choice: note('CONFUSION', 'a number that nobody assigned, or one that never comes over the wire', 'F-05'),
  NotCanonical: note('MALLEABILITY', 'two encodings of one message', 'F-40', 'F-41'),
  TooLong: note('ALLOCATION', 'a message of any length is decoded', 'F-56'),
};

type Side = 'terminal' | 'verifier';
type Wire = Readonly<Record<string, MsgpackValue>>;

const CHALLENGE = fill(8, 1);
const SELECTION = bytes('00000001 000b 03 ff3c00');

/** Every message: the longest form, and the shortest where they differ. */
const SAMPLES: readonly AnyMessage[] = [
  { type: 'greeting', nonce: fill(32, 2), audience: 'operator-1', binding: 'tls-exporter' },
  { type: 'hello', terminal: 'terminal-1', signature: fill(64, 3) },
  { type: 'enrol', terminal: 'terminal-1', token: fill(32, 4), akPublic: fill(88, 5), sessionKey: fill(91, 6) },
  {
    type: 'enrol',
    terminal: 'terminal-1',
    token: fill(32, 4),
    akPublic: fill(88, 5),
    sessionKey: fill(91, 6),
    ek: fill(122, 18),
    ekCertificate: fill(4096, 19),
  },
  {
    type: 'challenge',
    nonce: fill(32, 7),
    purpose: 'runtime',
    selection: SELECTION,
    cursor: { resetCount: 0xffffffff, restartCount: 0, count: 1_000_000, prefix: fill(16, 9) },
    knownList: fill(16, 10),
  },
  { type: 'challenge', nonce: fill(32, 7), purpose: 'enrol', selection: SELECTION },
  {
    type: 'challenge',
    nonce: fill(32, 7),
    purpose: 'enrol',
    selection: SELECTION,
    credential: fill(68, 20),
    encryptedSecret: fill(256, 21),
  },
  {
    type: 'evidence',
    challenge: CHALLENGE,
    attest: fill(145, 11),
    signature: fill(72, 12),
    claims: bytes('81 a161 01'),
    log: bytes('92 0b c402 9104'),
    moreLog: true,
    lists: 64,
  },
  {
    type: 'evidence',
    challenge: CHALLENGE,
    attest: fill(1, 1),
    signature: fill(1, 2),
    claims: fill(1, 3),
    log: fill(0, 0),
  },
  {
    type: 'challenge',
    nonce: fill(32, 7),
    purpose: 'gate',
    selection: SELECTION,
    cursor: { resetCount: 0, restartCount: 0, count: 0, prefix: fill(16, 0) },
    firmware: true,
    ima: 0,
  },
  {
    type: 'evidence',
    challenge: CHALLENGE,
    attest: fill(145, 11),
    signature: fill(72, 12),
    claims: bytes('81 a161 01'),
    log: fill(0, 0),
    moreLog: true,
    lists: 1,
    pcrs: fill(320, 18),
    firmware: true,
    ima: true,
  },
  { type: 'part', challenge: CHALLENGE, kind: 'list', body: fill(40, 15), last: true },
  { type: 'part', challenge: CHALLENGE, kind: 'firmware', body: fill(40, 15) },
  { type: 'part', challenge: CHALLENGE, kind: 'ima', body: fill(40, 15), last: true },
  { type: 'want', challenge: CHALLENGE, list: fill(32, 16) },
  { type: 'bootNew', challenge: CHALLENGE, boot: { resetCount: 3, restartCount: 0xffffffff } },
  {
    type: 'result',
    challenge: CHALLENGE,
    verdict: 'untrusted',
    codes: ['component.digest', 'log.replay'],
    ledgerIndex: Number.MAX_SAFE_INTEGER,
    leafHash: fill(32, 17),
  },
  { type: 'noResult', challenge: CHALLENGE, code: 'state.conflict' },
  { type: 'enrolled', terminal: 'terminal-1', audience: 'operator-1' },
  { type: 'refusal', code: 'session.unexpected-message' },
];

/** The wire's map of a sample, to be changed key by key. */
const WIRE: { readonly [N in MessageName]: Wire } = {
  greeting: { t: 1, n: fill(32, 2), a: 'operator-1', b: 1 },
  hello: { t: 2, i: 'terminal-1', s: fill(64, 3) },
  enrol: { t: 3, i: 'terminal-1', k: fill(32, 4), a: fill(88, 5), p: fill(91, 6) },
  challenge: { t: 4, n: fill(32, 7), p: 3, s: SELECTION, c: [3, 0, 12, fill(16, 9)], k: fill(16, 10) },
  evidence: { t: 5, i: CHALLENGE, q: fill(145, 11), s: fill(72, 12), c: fill(3, 13), l: fill(6, 14), r: true, z: 1 },
  part: { t: 6, i: CHALLENGE, k: 1, b: fill(40, 15), e: true },
  want: { t: 7, i: CHALLENGE, d: fill(32, 16) },
  bootNew: { t: 8, i: CHALLENGE, b: [3, 0] },
  result: { t: 9, i: CHALLENGE, v: 1, c: ['log.replay'], n: 4, h: fill(32, 17) },
  noResult: { t: 10, i: CHALLENGE, c: 'state.conflict' },
  enrolled: { t: 11, i: 'terminal-1', a: 'operator-1' },
  refusal: { t: 12, c: 'session.unexpected-message' },
};

type Fault = readonly [name: MessageName, comment: string, flag: keyof typeof NOTES, change: Wire];

const FAULTS: readonly Fault[] = [
  ['greeting', 'a nonce of 31 bytes', 'Bounds', { n: fill(31, 2) }],
  ['greeting', 'the nonce as text', 'FieldType', { n: 'n'.repeat(32) }],
  ['greeting', 'binding none', 'Choice', { b: 3 }],
  ['greeting', 'binding as text', 'Choice', { b: 'tls-exporter' }],
  ['greeting', 'an audience with a capital letter', 'Id', { a: 'Operator' }],
  ['hello', 'no terminal', 'Id', { i: '' }],
  ['hello', 'a terminal of 65 characters', 'Id', { i: 'a'.repeat(65) }],
  ['hello', 'a path as terminal', 'Id', { i: '../terminal' }],
  ['hello', 'a line feed in the terminal', 'Id', { i: 'terminal\n' }],
  ['hello', 'a dot first', 'Id', { i: '.terminal' }],
  ['hello', 'a signature of 63 bytes', 'Bounds', { s: fill(63, 3) }],
  ['hello', 'a signature of 72 bytes, as DER has it', 'Bounds', { s: fill(72, 3) }],
  ['enrol', 'no public area', 'Bounds', { a: new Uint8Array() }],
  ['enrol', 'a public area of 1025 bytes', 'Bounds', { a: fill(1025, 5) }],
  ['enrol', 'a session key of 90 bytes', 'Bounds', { p: fill(90, 6) }],
  ['enrol', 'a token of 16 bytes', 'Bounds', { k: fill(16, 4) }],
  ['enrol', 'no endorsement key, present', 'Bounds', { e: new Uint8Array() }],
  ['enrol', 'an endorsement key of 1025 bytes', 'Bounds', { e: fill(1025, 18) }],
  ['enrol', 'a certificate of 4097 bytes', 'Bounds', { c: fill(4097, 19) }],
  ['enrol', 'a certificate as PEM text', 'FieldType', { c: '-----BEGIN CERTIFICATE-----' }],
  ['challenge', 'a credential of 70 bytes, its TPM2B size with it', 'Bounds', { o: fill(70, 20) }],
  ['challenge', 'an encrypted secret of 67 bytes', 'Bounds', { e: fill(67, 21) }],
  ['challenge', 'an encrypted secret of 257 bytes', 'Bounds', { e: fill(257, 21) }],
  ['challenge', 'an encrypted secret as array', 'FieldType', { e: [fill(32, 21), fill(32, 22)] }],
  ['challenge', 'purpose inspect', 'Choice', { p: 7 }],
  ['challenge', 'purpose tamper, reserved', 'Choice', { p: 6 }],
  ['challenge', 'purpose zero', 'Choice', { p: 0 }],
  ['challenge', 'purpose true', 'Choice', { p: true }],
  ['challenge', 'a selection of 9 bytes', 'Bounds', { s: fill(9, 0) }],
  ['challenge', 'a selection of 65 bytes', 'Bounds', { s: fill(65, 0) }],
  ['challenge', 'a cursor of three', 'FieldType', { c: [3, 0, 12] }],
  ['challenge', 'a cursor of five', 'FieldType', { c: [3, 0, 12, fill(16, 9), 0] }],
  ['challenge', 'a cursor whose count is above 2^32', 'Bounds', { c: [3, 0, 0x100000000, fill(16, 9)] }],
  ['challenge', 'a prefix of 32 bytes', 'Bounds', { c: [3, 0, 12, fill(32, 9)] }],
  ['challenge', 'a cursor as map', 'FieldType', { c: { r: 3 } }],
  ['challenge', 'a known list of 32 bytes', 'Bounds', { k: fill(32, 10) }],
  ['evidence', 'a challenge id of 7 bytes', 'Bounds', { i: fill(7, 1) }],
  ['evidence', 'no attestation', 'Bounds', { q: new Uint8Array() }],
  ['evidence', 'an attestation of 1025 bytes', 'Bounds', { q: fill(1025, 11) }],
  ['evidence', 'no signature', 'Bounds', { s: new Uint8Array() }],
  ['evidence', 'no claims', 'Bounds', { c: new Uint8Array() }],
  ['evidence', 'claims as a map', 'FieldType', { c: { a: 1 } }],
  ['evidence', 'a log of 49153 bytes', 'Bounds', { l: fill(49_153, 14) }],
  ['evidence', 'a log as array', 'FieldType', { l: [] }],
  ['evidence', 'more log: 1', 'FieldType', { r: 1 }],
  ['evidence', '65 lists', 'Bounds', { z: 65 }],
  ['evidence', 'lists: true', 'FieldType', { z: true }],
  ['part', 'of kind zero', 'Choice', { k: 0 }],
  ['part', 'of kind five', 'Choice', { k: 5 }],
  ['challenge', 'the firmware log: 1', 'FieldType', { f: 1 }],
  ['challenge', 'the IMA list from an entry above the most', 'Bounds', { m: 1_000_001 }],
  ['challenge', 'the IMA list: true', 'FieldType', { m: true }],
  ['evidence', 'PCR values of 31 bytes', 'Bounds', { p: fill(31, 1) }],
  ['evidence', 'PCR values of 769 bytes', 'Bounds', { p: fill(769, 1) }],
  ['evidence', 'PCR values as an array', 'FieldType', { p: [fill(32, 1)] }],
  ['evidence', 'a firmware log that follows: 1', 'FieldType', { f: 1 }],
  ['evidence', 'the entry from which on an IMA list follows', 'FieldType', { m: 0 }],
  ['part', 'a body of 49153 bytes', 'Bounds', { b: fill(49_153, 15) }],
  ['part', 'a body as text', 'FieldType', { b: 'body' }],
  ['want', 'a digest of 16 bytes', 'Bounds', { d: fill(16, 16) }],
  ['bootNew', 'one number', 'FieldType', { b: [3] }],
  ['bootNew', 'three numbers', 'FieldType', { b: [3, 0, 0] }],
  ['bootNew', 'resetCount above 2^32', 'Bounds', { b: [0x100000000, 0] }],
  ['result', 'verdict zero', 'Choice', { v: 0 }],
  ['result', 'verdict six', 'Choice', { v: 6 }],
  ['result', 'no code in the list', 'Bounds', { c: [] }],
  ['result', '17 codes', 'Bounds', { c: Array<string>(17).fill('log.replay') }],
  ['result', 'a code with markup', 'Id', { c: ['log.<b>'] }],
  ['result', 'a ledger index above 2^53', 'Bounds', { n: 9007199254740992n }],
  ['noResult', 'a code without an area', 'Id', { c: 'conflict' }],
  ['noResult', 'codes in place of a code', 'FieldType', { c: ['state.conflict'] }],
  ['enrolled', 'a terminal as bytes', 'FieldType', { i: fill(4, 0x61) }],
  ['refusal', 'an empty code', 'Id', { c: '' }],
];

function sideOf(name: MessageName): Side {
  return MESSAGES[name].from === 'verifier' ? 'verifier' : 'terminal';
}

/** Every message without one of its required fields, with a field more, with the direction turned round, and as another encoding. */
function everyMessage(): readonly (readonly [Side, DraftTest])[] {
  return (Object.keys(WIRE) as MessageName[]).flatMap((name) => {
    const wire = WIRE[name];
    const side = sideOf(name);
    const form: { readonly fields: Readonly<Record<string, { readonly key: string; readonly optional: boolean }>> } =
      MESSAGES[name];
    const required = Object.values(form.fields).find(({ optional }) => !optional)?.key ?? '';
    const rest = Object.fromEntries(Object.entries(wire).filter(([key]) => key !== required));
    const input = encodeCanonical(wire);
    const both = MESSAGES[name].from === 'both';
    const turned: Side = side === 'terminal' ? 'verifier' : 'terminal';
    return [
      [side, invalid(`${name} without ${required}`, 'Missing', 'message.field', { input: encodeCanonical(rest) }, 0)],
      [
        side,
        invalid(
          `${name} with an unknown field`,
          'Unknown',
          'message.field',
          { input: encodeCanonical({ ...wire, x: 0 }) },
          0,
        ),
      ],
      [
        side,
        invalid(
          `${name} and a byte`,
          'NotCanonical',
          'msgpack.trailing-bytes',
          { input: bytes(input, 'c2') },
          input.length,
        ),
      ],
      ...(both
        ? []
        : [[turned, invalid(`${name} from the other side`, 'Direction', 'message.direction', { input }, 0)] as const]),
    ] as const;
  });
}

function shapeless(): readonly DraftTest[] {
  const type = (comment: string, value: MsgpackValue): DraftTest =>
    invalid(comment, 'Type', 'message.type', { input: encodeCanonical(value) }, 0);
  const long = encodeCanonical({ t: 6, i: CHALLENGE, k: 1, b: fill(65_500, 0) });
  return [
    type('an empty map', {}),
    type('type zero', { t: 0 }),
    type('type 13', { t: 13, c: 'session.unexpected-message' }),
    type('the type as text', { t: '12', c: 'session.unexpected-message' }),
    type('a true type', { t: true }),
    type('an array', [12, 'session.unexpected-message']),
    type('a text', 'refusal'),
    type('a number', 12),
    invalid(
      '65537 bytes',
      'TooLong',
      'message.too-long',
      { input: bytes(long, fill(65_537 - long.length, 0)) },
      65_536,
    ),
    invalid('nothing', 'NotCanonical', 'msgpack.truncated', { input: new Uint8Array() }, 0),
    invalid('the type twice', 'NotCanonical', 'msgpack.key-duplicate', { input: bytes('82 a174 0c a174 0c') }, 4),
    invalid(
      'the type behind a later key',
      'NotCanonical',
      'msgpack.key-order',
      { input: bytes('82 a178 00 a174 0c') },
      4,
    ),
    invalid('the type in two bytes', 'NotCanonical', 'msgpack.not-canonical', { input: bytes('81 a174 cc0c') }, 3),
    invalid('a field that is nil', 'FieldType', 'msgpack.type', { input: bytes('82 a163 c0 a174 0c') }, 3),
  ];
}

/** Every message of the protocol. */
export function messageDraft(): Draft {
  const both: readonly (readonly [Side, DraftTest])[] = [
    ...SAMPLES.map((message) => [sideOf(message.type), sample(message)] as const),
    ...FAULTS.map(([name, comment, flag, change]) => {
      const input = encodeCanonical({ ...WIRE[name], ...change });
      return [sideOf(name), invalid(`${name}: ${comment}`, flag, 'message.field', { input })] as const;
    }),
    ...everyMessage(),
    ...shapeless().map((test) => ['terminal', test] as const),
  ];
  return {
    file: 'message',
    notes: NOTES,
    groups: (['terminal', 'verifier'] as const).map((from) => ({
      type: 'Message',
      fields: { from },
      tests: both.filter(([side]) => side === from).map(([, test]) => test),
    })),
  };
}

function sample<N extends MessageName>(message: Message<N>): DraftTest {
  const fields = Object.keys(message).length - 1;
  return valid(`${message.type} with ${fields} fields`, { input: encodeMessage(message), value: toPlain(message) });
}
