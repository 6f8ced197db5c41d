import { shownText, toHex } from '@mtm-attest/protocol';
import { readCryptoKey } from './crypto-key.ts';
import { taggedIdentifier } from './identifier.ts';
import type { Item } from './item.ts';

/** Hexadecimal digests by algorithm; of each algorithm one. */
export type Digests = ReadonlyMap<DigestAlgorithm, string>;

/** The names of IANA's Named Information registry. */
export type DigestAlgorithm = keyof typeof DIGESTS;

const DIGESTS = {
  'sha-256': { id: 1, bytes: 32 },
  'sha-256-128': { id: 2, bytes: 16 },
  'sha-256-120': { id: 3, bytes: 15 },
  'sha-256-96': { id: 4, bytes: 12 },
  'sha-256-64': { id: 5, bytes: 8 },
  'sha-256-32': { id: 6, bytes: 4 },
  'sha-384': { id: 7, bytes: 48 },
  'sha-512': { id: 8, bytes: 64 },
  'sha3-224': { id: 9, bytes: 28 },
  'sha3-256': { id: 10, bytes: 32 },
  'sha3-384': { id: 11, bytes: 48 },
  'sha3-512': { id: 12, bytes: 64 },
} as const;

const ALGORITHMS = Object.keys(DIGESTS) as readonly DigestAlgorithm[];
/** By number and by name. */
const BY_ID: ReadonlyMap<unknown, DigestAlgorithm> = new Map<unknown, DigestAlgorithm>([
  ...ALGORITHMS.map((name) => [DIGESTS[name].id, name] as const),
  ...ALGORITHMS.map((name) => [name, name] as const),
]);

/** One measured element and what is expected of it. */
export interface Measurement {
  /** a number, a text, or an identifier; undefined where the environment has one element only */
  readonly key: number | string | undefined;
  readonly digests: Digests | undefined;
  /** registers by number or name */
  readonly registers: ReadonlyMap<number | string, Digests> | undefined;
}

const MEASUREMENT = { mkey: 0, mval: 1, 'authorized-by': 2 } as const;

const VALUES = {
  version: 0,
  svn: 1,
  digests: 2,
  flags: 3,
  'raw-value': 4,
  'raw-value-mask': 5,
  'mac-addr': 6,
  'ip-addr': 7,
  'serial-number': 8,
  ueid: 9,
  uuid: 10,
  name: 11,
  cryptokeys: 13,
  'integrity-registers': 14,
  'int-range': 15,
} as const;

type ValueName = keyof typeof VALUES;

/** Reads a measurement-map (draft-ietf-rats-corim, Measurements). Values that no appraisal here compares are held to their form and left out. */
export function readMeasurement(item: Item): Measurement {
  const fields = item.map(MEASUREMENT);
  const key = fields.get('mkey');
  const values = fields.need('mval').map(VALUES);
  for (const [name, check] of FORMS) {
    const value = values.get(name);
    if (value !== undefined) check(value);
  }
  for (const signer of fields.get('authorized-by')?.members() ?? []) readCryptoKey(signer);
  const digests = values.get('digests');
  const registers = values.get('integrity-registers');
  return {
    key: key === undefined ? undefined : measuredElement(key),
    digests: digests === undefined ? undefined : readDigests(digests),
    registers: registers === undefined ? undefined : readRegisters(registers),
  };
}

function measuredElement(item: Item): number | string {
  if (typeof item.value === 'string') return item.value;
  if (typeof item.value === 'number') return item.uint();
  if (item.tag !== 37 && item.tag !== 111) throw item.refusal('neither a number, text, a UUID nor an OID');
  return taggedIdentifier(item);
}

/** An algorithm that comes twice would make every comparison ambiguous (draft-ietf-rats-corim, Comparison for digests entries). */
function readDigests(item: Item): Digests {
  const digests = new Map<DigestAlgorithm, string>();
  for (const member of item.members()) {
    const [algorithmItem, valueItem] = member.tuple(2);
    if (algorithmItem === undefined || valueItem === undefined) throw member.refusal('not a digest');
    const algorithm = BY_ID.get(algorithmItem.value);
    if (algorithm === undefined) throw algorithmItem.refusal('unknown hash algorithm');
    if (digests.has(algorithm)) throw member.refusal(`${algorithm} twice`);
    const { bytes } = DIGESTS[algorithm];
    digests.set(algorithm, toHex(valueItem.bytes(bytes, bytes)));
  }
  return digests;
}

function readRegisters(item: Item): ReadonlyMap<number | string, Digests> {
  const registers = new Map<number | string, Digests>();
  for (const [id, value] of item.entries()) {
    const name = typeof id === 'string' ? id : item.child(id, 'register').uint();
    registers.set(name, readDigests(item.child(value, shownText(String(name).slice(0, 32)))));
  }
  return registers;
}

const SVN_TAGS: readonly (number | undefined)[] = [552, 553];
const RAW_TAGS: readonly (number | undefined)[] = [560, 563];
const FLAGS = 10;
const MOST_RAW_BYTES = 1_048_576;

const FORMS: readonly (readonly [ValueName, (item: Item) => unknown])[] = [
  ['version', (item) => item.map({ version: 0, 'version-scheme': 1 }).need('version').text()],
  ['svn', (item) => (SVN_TAGS.includes(item.tag) ? item.tagged(item.tag ?? 0) : item).uint()],
  ['flags', checkFlags],
  ['raw-value', checkRawValue],
  ['raw-value-mask', (item) => item.bytes(1, MOST_RAW_BYTES)],
  ['mac-addr', (item) => item.bytes(6, 8)],
  ['ip-addr', (item) => item.bytes(4, 16)],
  ['serial-number', (item) => item.text()],
  ['ueid', (item) => item.bytes(7, 33)],
  ['uuid', (item) => item.bytes(16, 16)],
  ['name', (item) => item.text()],
  ['cryptokeys', (item) => [...item.members()].length],
];

function checkFlags(item: Item): void {
  for (const [flag, value] of item.entries()) {
    item.child(flag, 'flag').uint(FLAGS);
    if (typeof value !== 'boolean') throw item.child(value, String(flag)).refusal('neither true nor false');
  }
}

function checkRawValue(item: Item): void {
  if (!RAW_TAGS.includes(item.tag)) throw item.refusal('neither bytes nor masked bytes');
}
