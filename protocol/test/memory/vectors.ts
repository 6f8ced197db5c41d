import { fromHex, utf8 } from '../../src/bytes/text.ts';
import { encodeCelJson } from '../../src/cel/json-export.ts';
import { readCelJson } from '../../src/cel/json-import.ts';
import type { CelRecord } from '../../src/cel/record.ts';
import { encodeCelTlv } from '../../src/cel/tlv-export.ts';
import { readCelTlv } from '../../src/cel/tlv-import.ts';
import { encodeComponentList, parseComponentList } from '../../src/event-log/component-list.ts';
import { decodeEvent, encodeEvent } from '../../src/event-log/event.ts';
import { encodeRecord, readRecords } from '../../src/event-log/record.ts';
import { readImaAscii } from '../../src/ima/ascii-list.ts';
import { readImaBinary } from '../../src/ima/binary-list.ts';
import { encodeMessage, parseMessage } from '../../src/message/catalogue.ts';
import { encodeClaims, parseClaims } from '../../src/message/claims.ts';
import { decodeStrict } from '../../src/msgpack/codec.ts';
import {
  encodeManifest,
  encodeSignedManifest,
  parseManifest,
  parseSignedManifest,
} from '../../src/reference/manifest.ts';
import { parseAttest } from '../../src/tpm/attest.ts';
import { parsePcrSelection } from '../../src/tpm/pcr.ts';
import { parsePublic } from '../../src/tpm/public.ts';
import { parseSignature } from '../../src/tpm/signature.ts';
import { EMULATOR_QUOTE } from '../quote/emulator-quote.ts';
import { TCG_LOGS } from '../tcg-log/memory-vectors.ts';

/** An input, and the parser whose result is kept. */
export interface MemoryVector {
  readonly name: string;
  readonly input: Uint8Array;
  readonly parse: (input: Uint8Array) => unknown;
}

const MESSAGE_BYTES = 65_536;

/** An array of as many equal elements as a message holds: what a hostile peer can make of 64 KiB. */
function arrayOf(element: string): Uint8Array {
  const bytes = fromHex(element);
  const count = Math.min(0xffff, Math.floor((MESSAGE_BYTES - 3) / bytes.length));
  const input = new Uint8Array(3 + count * bytes.length);
  input.set([0xdc, count >> 8, count & 0xff]);
  for (let i = 0; i < count; i++) input.set(bytes, 3 + i * bytes.length);
  return input;
}

const ELEMENTS: Readonly<Record<string, string>> = {
  integers: '01',
  'long integers': 'cfffffffffffffffff',
  'empty texts': 'a0',
  'short texts': 'a26162',
  'empty byte strings': 'c400',
  'short byte strings': 'c40101',
  'empty arrays': '90',
  'short arrays': '9101',
  'arrays of empty arrays': '9190',
  'deep arrays': `${'91'.repeat(14)}90`,
  'empty maps': '80',
  'arrays of empty maps': '9180',
  'short maps': '81a000',
  'deep maps': `${'81a0'.repeat(14)}80`,
};

/** A map of many keys, and many maps of different keys. */
function maps(): readonly MemoryVector[] {
  const keys: number[][] = [];
  for (let a = 0x21; a < 0x7f; a++) for (let b = 0x21; b < 0x7f; b++) keys.push([0xa2, a, b, 0]);
  const count = [keys.length >> 8, keys.length & 0xff];
  const wide = Uint8Array.from([0xde, ...count, ...keys.flat()]);
  const shapes = Uint8Array.from([0xdc, ...count, ...keys.flatMap((key) => [0x81, ...key])]);
  return [
    { name: 'a map of many keys', input: wide, parse: decodeStrict },
    { name: 'maps of different keys', input: shapes, parse: decodeStrict },
  ];
}

const D = new Uint8Array(32).fill(1);
const NAMES = Array.from({ length: 2000 }, (_, i) => `c${String(i).padStart(4, '0')}`);

function documents(): readonly MemoryVector[] {
  const list = encodeComponentList(NAMES.map((name) => ({ name, digest: D })));
  const components = NAMES.map((name) => ({ name, pcr: 4, digest: D, phase: 'boot' as const }));
  const releases = [1, 2, 3].map((release) => ({ release, version: '1', components }));
  const manifest = encodeManifest({ issuer: 'i', model: 'm', sequence: 1, minimum: 1, releases });
  const small = Array.from({ length: 256 }, (_, i) => ({
    release: i + 1,
    version: '1',
    components: components.slice(0, 1),
  }));
  const signature = { keyId: D, algorithm: 'ed25519' as const, signature: new Uint8Array(64) };
  return [
    { name: 'a component list', input: list, parse: parseComponentList },
    { name: 'a manifest of many components', input: manifest, parse: parseManifest },
    {
      name: 'a manifest of many releases',
      input: encodeManifest({ issuer: 'i', model: 'm', sequence: 1, minimum: 1, releases: small }),
      parse: parseManifest,
    },
    {
      name: 'a signed manifest',
      input: encodeSignedManifest({ payload: manifest, signatures: [signature] }),
      parse: parseSignedManifest,
    },
    { name: 'a log of the shortest records, every view kept', input: shortestRecords(), parse: keepRecords },
  ];
}

function shortestRecords(): Uint8Array {
  const record = encodeRecord(11, Uint8Array.of(0x90));
  return new Uint8Array(Buffer.concat(new Array<Uint8Array>(9000).fill(record)));
}

function keepRecords(input: Uint8Array): unknown {
  const kept: Uint8Array[] = [];
  readRecords(input, 0, (_pcr, content) => kept.push(content));
  return kept;
}

/** Everything that a reader gives, kept. */
function keep(read: (visit: (one: unknown) => void) => unknown): unknown {
  const kept: unknown[] = [];
  read((one) => kept.push(one));
  return kept;
}

const MANY = 9000;

function repeatedBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat(new Array<Uint8Array>(MANY).fill(bytes)));
}

/** Lists and logs of the shortest entries, all of them kept. */
function kernelLogs(): readonly MemoryVector[] {
  // PCR 0, a digest of zeros, a template of one letter, no data
  const binary = repeatedBytes(Uint8Array.from([...new Array<number>(24).fill(0), 1, 0, 0, 0, 0x78, 0, 0, 0, 0]));
  const ascii = repeatedBytes(utf8(` 0 ${'0'.repeat(40)} sig \n`));
  const record: CelRecord = {
    recnum: 0,
    index: { type: 'pcr', pcr: 0 },
    digests: [{ algorithm: 0x20, digest: Uint8Array.of(0) }],
    content: { type: 'systemd', data: new Uint8Array() },
  };
  const tlv = repeatedBytes(encodeCelTlv(record));
  const json = utf8(`[${new Array<string>(MANY).fill(encodeCelJson(record)).join(',')}]`);
  return [
    {
      name: 'an IMA list, binary',
      input: binary,
      parse: (input) => keep((visit) => readImaBinary(input, 'sha1', visit)),
    },
    { name: 'an IMA list, ASCII', input: ascii, parse: (input) => keep((visit) => readImaAscii(input, 'sha1', visit)) },
    { name: 'a log in CEL-TLV', input: tlv, parse: (input) => keep((visit) => readCelTlv(input, visit)) },
    { name: 'a log in CEL-JSON', input: json, parse: (input) => keep((visit) => readCelJson(input, visit)) },
  ];
}

/** Inputs near the size of a message and above. */
export const LONG_VECTORS: readonly MemoryVector[] = [
  ...Object.entries(ELEMENTS).map(([name, element]) => ({ name, input: arrayOf(element), parse: decodeStrict })),
  ...maps(),
  ...documents(),
  ...kernelLogs(),
  ...TCG_LOGS,
];

const evidence = encodeMessage({
  type: 'evidence',
  challenge: new Uint8Array(8),
  attest: EMULATOR_QUOTE.attest,
  signature: EMULATOR_QUOTE.signature,
  claims: encodeClaims({ auditCounter: 7n }),
  log: encodeRecord(13, encodeEvent({ type: 'audit', nonce: D, listDigest: D })),
});
const result = encodeMessage({
  type: 'result',
  challenge: new Uint8Array(8),
  verdict: 'untrusted',
  codes: new Array<string>(16).fill('a.b'),
  ledgerIndex: 1,
  leafHash: D,
});
const refusal = encodeMessage({ type: 'refusal', code: 'a.b' });
/** 16 banks of 32 PCRs each, the most that a selection can say in its bytes. */
const selection = fromHex(`00000010${'000b04ffffffff'.repeat(16)}`);

/** Structures of a few bytes, each parsed many times over. */
export const SHORT_VECTORS: readonly MemoryVector[] = [
  { name: 'evidence', input: evidence, parse: (input) => parseMessage(input, 'terminal') },
  { name: 'a result', input: result, parse: (input) => parseMessage(input, 'verifier') },
  { name: 'a refusal', input: refusal, parse: (input) => parseMessage(input, 'terminal') },
  { name: 'claims', input: encodeClaims({ auditCounter: 1n }), parse: parseClaims },
  { name: 'the shortest event', input: encodeEvent({ type: 'ready' }), parse: (input) => decodeEvent(11, input) },
  { name: 'a PCR selection', input: selection, parse: parsePcrSelection },
  { name: 'TPMS_ATTEST', input: EMULATOR_QUOTE.attest, parse: (input) => parseAttest(input) },
  { name: 'TPMT_PUBLIC', input: EMULATOR_QUOTE.akPublic, parse: (input) => parsePublic(input) },
  { name: 'TPMT_SIGNATURE', input: EMULATOR_QUOTE.signature, parse: parseSignature },
];

/** Headers that declare up to 4 GiB, with nothing behind them, and 100,000 openings of containers. */
export const DECLARING: readonly (readonly [name: string, input: Uint8Array])[] = [
  ['array of 2^32 - 1', fromHex('ddffffffff')],
  ['array of 2^28', fromHex('dd10000000')],
  ['map of 2^32 - 1', fromHex('dfffffffff')],
  ['text of 4 GiB', fromHex('dbffffffff')],
  ['text of 256 MiB', fromHex('db10000000')],
  ['byte string of 4 GiB', fromHex('c6ffffffff')],
  ['byte string of 256 MiB', fromHex('c610000000')],
  [
    'byte string of 256 MiB in a message',
    Uint8Array.from([0x82, 0xa1, 0x61, 0xc6, 0x10, 0, 0, 0, ...utf8('a'.repeat(64))]),
  ],
  ['arrays in arrays', new Uint8Array(100_000).fill(0x91)],
  ['maps in maps', fromHex('81a0'.repeat(50_000))],
];
