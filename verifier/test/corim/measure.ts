// Run with --expose-gc: prints how much heap the decoded form of the densest documents keeps, and what refusing bombs takes.
import { decodeCbor } from '../../src/corim/cbor.ts';
import { importCorim } from '../../src/corim/import-corim.ts';
import { readEar } from '../../src/ear/read-ear.ts';
import { comid, corim, map, UUID } from './builder.ts';

const SIZE = 65_536;
const RUNS = 8;

/** A list that repeats these items, to 64 KiB. */
function repeated(...items: readonly (readonly number[])[]): Uint8Array {
  const unit = items.flat();
  const times = Math.floor((SIZE - 3) / unit.length);
  const count = times * items.length;
  const all = Array.from({ length: times }, () => unit).flat();
  return Uint8Array.from([0x99, count >>> 8, count & 0xff, ...all]);
}

const MAP = [0xa1, 0x00, 0x00];
const NAMED = [0xa1, 0x61, 0x61, 0x00];
const ARRAY = [0x81, 0x00];
const BYTES = [0x41, 0x00];
const INTEGER = [0x00];
const TEXT = [0x61, 0x62];
const TAG = [0xc1, 0x00];
const FLOAT = [0xf9, 0x3e, 0x01];

const environment = map({ 0: map({ 0: UUID }) });
const triple = [environment, Array.from({ length: 900 }, () => map({ 1: map({ 11: 'a long name' }) }))];
const claims = JSON.stringify({
  eat_profile: 'tag:ietf.org,2026:rats/ear#03',
  iat: 1,
  ear_verifier_id: { developer: '', build: '' },
  submods: Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [i.toString(36), { ear_status: 'none' }])),
});

const CASES: readonly (readonly [string, Uint8Array, (input: Uint8Array) => unknown])[] = [
  ['maps and integers', repeated(MAP, INTEGER, INTEGER), decodeCbor],
  ['maps and texts', repeated(MAP, TEXT), decodeCbor],
  ['maps and tags', repeated(MAP, TAG), decodeCbor],
  ['maps with names', repeated(NAMED, INTEGER), decodeCbor],
  ['arrays and integers', repeated(ARRAY, INTEGER, INTEGER, INTEGER), decodeCbor],
  ['arrays and tags', repeated(ARRAY, TAG, INTEGER), decodeCbor],
  ['arrays and floats', repeated(ARRAY, FLOAT), decodeCbor],
  ['byte strings and integers', repeated(BYTES, INTEGER, INTEGER, INTEGER), decodeCbor],
  ['byte strings and tags', repeated(BYTES, TAG, INTEGER), decodeCbor],
  ['byte strings and texts', repeated(BYTES, TEXT, INTEGER), decodeCbor],
  ['tags', repeated(TAG), decodeCbor],
  ['measurements', corim({ 1: [comid(map({ 0: [triple] }))] }), (input) => importCorim(input, { at: 0 })],
];

function settled(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const growths: unknown[] = [];
for (const [name, input, parse] of CASES) {
  parse(input);
  const kept: unknown[] = [];
  const before = settled();
  for (let i = 0; i < RUNS; i++) kept.push(parse(input));
  growths.push({ name, inputBytes: input.length, growth: (settled() - before) / kept.length });
}
const ear = new Uint8Array(Buffer.from(claims));
await readEar(ear, { at: 0 });
const kept: unknown[] = [];
const before = settled();
for (let i = 0; i < RUNS; i++) kept.push(await readEar(ear, { at: 0 }));
growths.push({ name: 'submodules', inputBytes: ear.length, growth: (settled() - before) / kept.length });
process.stdout.write(JSON.stringify(growths));
