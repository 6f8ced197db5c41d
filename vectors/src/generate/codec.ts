import { type MsgpackValue, type ProtocolCode, utf8 } from '@mtm-attest/protocol';
import { codecNotation } from '../implementation/codec-notation.ts';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  NotCanonical: note(
    'MALLEABILITY',
    'two encodings of one object: what was signed and what is read may differ',
    'F-41',
  ),
  TypeRefused: note('TYPE_CONFUSION', 'a type that another decoder turns into something else', 'F-42', 'F-43'),
  Truncated: note('BOUNDS', 'a read past the end of the input', 'F-46'),
  Length: note('ALLOCATION', 'memory is taken for a length that the input cannot have', 'F-46'),
  TrailingBytes: note(
    'EXACT_CONSUMPTION',
    'two encodings of one object, or a second object that nobody checked',
    'F-41',
  ),
  Depth: note('RECURSION', 'the stack overflows', 'F-45'),
  Text: note('ENCODING', 'two parsers see different texts, or a text ends at a NUL', 'F-50'),
  KeyType: note('TYPE_CONFUSION', 'a key that turns into a text with another meaning', 'F-42'),
  KeyOrder: note('MALLEABILITY', 'two encodings of one map', 'F-41'),
  KeyDuplicate: note('DUPLICATE', 'two parsers take different values for one key', 'F-40'),
  KeyForbidden: note('PROTOTYPE_POLLUTION', 'a key changes what every object is made of', 'F-44'),
};

type Row = readonly [comment: string, input: string | Uint8Array, offset: number];

function refusals(flag: keyof typeof NOTES, error: ProtocolCode, rows: readonly Row[]): readonly DraftTest[] {
  return rows.map(([comment, input, offset]) => invalid(comment, flag, error, { input: bytes(input) }, offset));
}

const text = (length: number): Uint8Array => fill(length, 0x61);
const keys = (count: number): Uint8Array =>
  bytes(...Array.from({ length: count }, (_, i) => bytes('a1', Uint8Array.of(0x41 + i), '00')));
const letters = (count: number): MsgpackValue =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [String.fromCharCode(0x41 + i), 0]));

function nested(depth: number): MsgpackValue {
  return depth === 0 ? 0 : [nested(depth - 1)];
}

const VALID: readonly (readonly [comment: string, input: string | Uint8Array, value: MsgpackValue])[] = [
  ['zero', '00', 0],
  ['largest integer of one byte', '7f', 127],
  ['smallest integer of two bytes', 'cc80', 128],
  ['smallest integer of three bytes', 'cd0100', 256],
  ['smallest integer of five bytes', 'ce00010000', 65536],
  ['smallest integer of nine bytes', 'cf0000000100000000', 4294967296],
  ['an integer above 2^53', 'cf0020000000000001', 9007199254740993n],
  ['largest integer', 'cfffffffffffffffff', 18446744073709551615n],
  ['false', 'c2', false],
  ['true', 'c3', true],
  ['empty text', 'a0', ''],
  ['longest text of a one-byte header', bytes('bf', text(31)), 'a'.repeat(31)],
  ['shortest text of a two-byte header', bytes('d920', text(32)), 'a'.repeat(32)],
  ['shortest text of a three-byte header', bytes('da0100', text(256)), 'a'.repeat(256)],
  ['text of one, two, three and four bytes a character', bytes('aa 61 c3a9 e697a5 f09f9880'), 'aé日😀'],
  ['a byte order mark is a character', bytes('a4 efbbbf 61'), '\ufeffa'],
  ['empty bytes', 'c400', new Uint8Array()],
  ['shortest bytes of a three-byte header', bytes('c50100', fill(256, 0xff)), fill(256, 0xff)],
  ['empty array', '90', []],
  ['shortest array of a three-byte header', bytes('dc0010', fill(16, 1)), Array<number>(16).fill(1)],
  ['empty map', '80', {}],
  ['shortest map of a three-byte header', bytes('de0010', keys(16)), letters(16)],
  ['keys in byte order, a prefix first', '83 a161 01 a26161 02 a162 03', { a: 1, aa: 2, b: 3 }],
  ['keys in the order of bytes, not of UTF-16', '82 a3efbfbd 01 a4f0908080 02', { '\ufffd': 1, '\u{10000}': 2 }],
  ['arrays nested 16 deep', bytes(fill(16, 0x91), '00'), nested(16)],
];

const NOT_CANONICAL: readonly Row[] = [
  ['127 in two bytes', 'cc7f', 0],
  ['0 in two bytes', 'cc00', 0],
  ['255 in three bytes', 'cd00ff', 0],
  ['65535 in five bytes', 'ce0000ffff', 0],
  ['2^32 - 1 in nine bytes', 'cf00000000ffffffff', 0],
  ['text of 31 bytes behind a two-byte header', bytes('d91f', text(31)), 0],
  ['text of 255 bytes behind a three-byte header', bytes('da00ff', text(255)), 0],
  ['text of 1 byte behind a five-byte header', 'db00000001 61', 0],
  ['bytes of length 1 behind a three-byte header', 'c50001ff', 0],
  ['bytes of length 1 behind a five-byte header', 'c600000001ff', 0],
  ['array of 15 behind a three-byte header', bytes('dc000f', fill(15, 0)), 0],
  ['array of 1 behind a five-byte header', 'dd00000001 00', 0],
  ['map of 1 behind a three-byte header', 'de0001 a161 00', 0],
  ['map of 1 behind a five-byte header', 'df00000001 a161 00', 0],
  ['in an array', '92 01 cc01', 2],
  ['in a map', '81 a161 cd0001', 3],
  ['a key behind a two-byte header', '81 d90161 01', 1],
];

const TYPES: readonly Row[] = [
  ['nil', 'c0', 0],
  ['the reserved byte', 'c1', 0],
  ['float32', 'ca3f800000', 0],
  ['float64', 'cb3ff0000000000000', 0],
  ['ext8', 'c70101ff', 0],
  ['ext16', 'c8000101ff', 0],
  ['ext32', 'c90000000101ff', 0],
  ['fixext1', 'd401ff', 0],
  ['fixext2', 'd501ffff', 0],
  ['a timestamp of 32 bits', 'd6ff00000000', 0],
  ['a timestamp of 64 bits', 'd7ff0000000000000000', 0],
  ['a timestamp of 96 bits', 'c70cff000000000000000000000000', 0],
  ['fixext16', bytes('d801', fill(16, 0)), 0],
  ['int8 for a positive number', 'd001', 0],
  ['int16', 'd10100', 0],
  ['int32', 'd200010000', 0],
  ['int64', 'd30000000100000000', 0],
  ['minus one', 'ff', 0],
  ['minus 32', 'e0', 0],
  ['nil in an array', '9200c0', 2],
  ['nil as a value of a map', '81a161c0', 3],
];

const TRUNCATED: readonly Row[] = [
  ['nothing', '', 0],
  ['an integer without its byte', 'cc', 1],
  ['half an integer', 'cd01', 1],
  ['an integer of five bytes cut', 'ce000100', 1],
  ['an integer of nine bytes cut', 'cf00000001000000', 5],
  ['a text header without its length', 'd9', 1],
  ['a bytes header without its length', 'c501', 1],
  ['an array header without its count', 'dc00', 1],
  ['the last element of an array cut', '9201cd00', 3],
  ['a key without its value', '81a161', 3],
];

const LENGTHS: readonly Row[] = [
  ['a text longer than the input', 'a261', 0],
  ['bytes longer than the input', 'c402ff', 2],
  ['bytes of 512 in four', 'c50200ff', 3],
  ['bytes of 4 GiB in six', 'c6ffffffff00', 5],
  ['a text of 4 GiB in five', 'dbffffffff', 0],
  ['an array of 4 billion', 'ddffffffff00', 0],
  ['a map of 4 billion', 'dfffffffff00', 0],
  ['an array of 65535', 'dcffff00', 0],
  ['a map of 65535', 'deffff00', 0],
  ['an array of two with one element', '9201', 0],
  ['a map with half an entry', '81a0', 0],
  ['in an array', '91c402ff', 3],
];

const TEXTS: readonly Row[] = [
  ['NUL', 'a100', 1],
  ['NUL in the middle', 'a3610062', 2],
  ['a byte that UTF-8 never has', 'a1ff', 0],
  ['a character cut', 'a1c3', 0],
  ['a continuation byte alone', 'a180', 0],
  ['an overlong NUL', 'a2c080', 0],
  ['an overlong slash', 'a2c0af', 0],
  ['half a surrogate pair', 'a3eda080', 0],
  ['a surrogate pair in six bytes', 'a6eda080edb080', 0],
  ['above the last code point', 'a4f4908080', 0],
  ['a key', '81a1ff01', 1],
  ['NUL in a key', '81a10001', 2],
];

const KEYS: readonly DraftTest[] = [
  ...refusals('KeyType', 'msgpack.key-type', [
    ['an integer as key', '810101', 1],
    ['bytes as key', '81c4016101', 1],
    ['a boolean as key', '81c301', 1],
    ['an array as key', '819001', 1],
    ['a text of 256 bytes as key', bytes('81da0100', text(256), '01'), 1],
  ]),
  ...refusals('KeyOrder', 'msgpack.key-order', [
    ['descending keys', '82a16201a16102', 4],
    ['the longer key before its prefix', '82a2616101a16102', 5],
    ['lower case before upper case', '82a16101a14102', 4],
    ['keys in the order of UTF-16', '82a4f090808001a3efbfbd02', 7],
    ['in a map within an array', '9182a16201a16102', 5],
  ]),
  ...refusals('KeyDuplicate', 'msgpack.key-duplicate', [
    ['one key twice, two values', '82a16101a16102', 4],
    ['one key twice, one value', '82a16101a16101', 4],
    ['the empty key twice', '82a001a002', 3],
    ['in a map within a map', '81a16182a16201a16202', 7],
  ]),
  ...refusals('KeyForbidden', 'msgpack.key-forbidden', [
    ['__proto__', bytes('81a9', utf8('__proto__'), '80'), 1],
    ['constructor', bytes('81ab', utf8('constructor'), '80'), 1],
    ['prototype', bytes('81a9', utf8('prototype'), '80'), 1],
    ['__proto__ deeper', bytes('9181a9', utf8('__proto__'), '80'), 2],
  ]),
];

/** Strict canonical msgpack (F-40 to F-50). */
export function codecDraft(): Draft {
  const tests: readonly DraftTest[] = [
    ...VALID.map(([comment, input, value]) => valid(comment, { input: bytes(input), value: codecNotation(value) })),
    ...refusals('NotCanonical', 'msgpack.not-canonical', NOT_CANONICAL),
    ...refusals('TypeRefused', 'msgpack.type', TYPES),
    ...refusals('Truncated', 'msgpack.truncated', TRUNCATED),
    ...refusals('Length', 'msgpack.length', LENGTHS),
    ...refusals('TrailingBytes', 'msgpack.trailing-bytes', [
      ['a second value', '0000', 1],
      ['a value behind an array', '9001', 1],
      ['a value behind a map', '81a1610000', 4],
    ]),
    ...refusals('Depth', 'msgpack.depth', [
      ['arrays nested 17 deep', bytes(fill(17, 0x91), '00'), 16],
      ['arrays nested 300 deep', bytes(fill(300, 0x91), '00'), 16],
      ['maps nested 17 deep', bytes(...Array<string>(17).fill('81a161'), '00'), 48],
    ]),
    ...refusals('Text', 'msgpack.text', TEXTS),
    ...KEYS,
  ];
  return { file: 'codec', notes: NOTES, groups: [{ type: 'Codec', tests }] };
}
