import { expect } from 'chai';
import fc from 'fast-check';
import { Packr, Unpackr } from 'msgpackr';
import { fromHex, toHex, utf8 } from '../../src/bytes/text.ts';
import { decodeStrict, encodeCanonical, isMsgpackMap, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { MAX_DEPTH } from '../../src/msgpack/strict.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { canonicalValues } from './canonical-values.ts';

const SEED = 40_502;

/** Another encoder and decoder, which knows nothing of this package's settings. */
const PACKR = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
const MAPS = new Unpackr({ useRecords: false, mapsAsObjects: false });

describe('the canonical codec', () => {
  it('writes the shortest form of everything', () => {
    const forms: readonly (readonly [MsgpackValue, string])[] = [
      [0, '00'],
      [127, '7f'],
      [128, 'cc80'],
      [255, 'ccff'],
      [256, 'cd0100'],
      [65_536, 'ce00010000'],
      [0xffffffff, 'ceffffffff'],
      [2 ** 32, 'cf0000000100000000'],
      [2 ** 53 - 1, 'cf001fffffffffffff'],
      [1n, '01'],
      [2n ** 64n - 1n, 'cfffffffffffffffff'],
      [true, 'c3'],
      [false, 'c2'],
      ['', 'a0'],
      ['é', 'a2c3a9'],
      ['x'.repeat(32), `d920${'78'.repeat(32)}`],
      [new Uint8Array(), 'c400'],
      [Uint8Array.of(1), 'c40101'],
      [[], '90'],
      [{}, '80'],
      [{ b: 1, a: 2 }, '82a16102a16201'],
    ];
    for (const [value, hex] of forms) expect(toHex(encodeCanonical(value))).to.equal(hex);
    expect(toHex(encodeCanonical(new Uint8Array(256)).subarray(0, 4))).to.equal('c5010000');
    expect(toHex(encodeCanonical(new Uint8Array(65_536)).subarray(0, 5))).to.equal('c600010000');
    expect(toHex(encodeCanonical('x'.repeat(256)).subarray(0, 3))).to.equal('da0100');
    expect(toHex(encodeCanonical('x'.repeat(65_536)).subarray(0, 5))).to.equal('db00010000');
    expect(toHex(encodeCanonical(new Array<number>(16).fill(0)).subarray(0, 3))).to.equal('dc0010');
    expect(toHex(encodeCanonical(new Array<number>(65_536).fill(0)).subarray(0, 5))).to.equal('dd00010000');
  });

  it('orders keys by their bytes, not by UTF-16 units, and reads them back (F-41)', () => {
    const bytes = encodeCanonical({ '\u{1f600}': 1, '～': 2 });
    expect(toHex(bytes)).to.equal('82a3efbd9e02a4f09f988001');
    expect(decodeStrict(bytes)).to.deep.equal({ '～': 2, '\u{1f600}': 1 });
    expect(toHex(encodeCanonical({ 10: 1, 9: 2, a: 3 }))).to.equal('83a2313001a13902a16103');
  });

  it('reads what it wrote, in every value that it can hold (F-41, F-47)', () => {
    const property = fc.property(canonicalValues, (value) => {
      const bytes = encodeCanonical(value);
      const decoded = decodeStrict(bytes);
      expect(decoded).to.deep.equal(value);
      expect(toHex(encodeCanonical(decoded))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED });
  });

  it('agrees with an independent encoder and decoder wherever no integer above 32 bits occurs', () => {
    const property = fc.property(canonicalValues, (value) => {
      if (hasLongInteger(value)) return;
      const bytes = encodeCanonical(value);
      expect(toHex(PACKR.pack(ordered(value)))).to.equal(toHex(bytes));
      expect(plain(MAPS.unpack(bytes))).to.deep.equal(value);
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });

  it('re-encodes identically whatever bytes it takes: one object has one encoding (F-41)', () => {
    const pieces = fc.constantFrom(
      '80',
      '81',
      '82',
      '90',
      '91',
      '92',
      'a0',
      'a161',
      'a162',
      'c400',
      'c2',
      '00',
      'cc80',
    );
    const property = fc.property(fc.array(pieces, { minLength: 1, maxLength: 8 }), (parts) => {
      const bytes = fromHex(parts.join(''));
      const value = unlessRefused(() => decodeStrict(bytes));
      if (value !== undefined) expect(toHex(encodeCanonical(value))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED, numRuns: 3000 });
  });

  it('copies byte strings out of the input: a receive buffer used again changes nothing (F-48)', () => {
    for (const pooled of [Buffer.alloc(64), new Uint8Array(64)]) {
      pooled.set(fromHex('92c403010203c40104'), 5);
      const value = decodeStrict(pooled.subarray(5, 14));
      pooled.fill(0xee);
      expect(value).to.deep.equal([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
    }
  });

  it('gives plain Uint8Arrays even of a Buffer, so that slice() copies (F-48)', () => {
    const value = decodeStrict(Buffer.from('c403010203', 'hex'));
    expect(value).to.be.instanceOf(Uint8Array);
    expect(Buffer.isBuffer(value)).to.equal(false);
  });

  it('is not confused by keys that another input left in a cache (F-49)', () => {
    const keys = fc.stringMatching(/^[0-9][a-z0-9 ~]{0,30}$/);
    const property = fc.property(fc.uniqueArray(keys, { minLength: 2, maxLength: 40 }), (names) => {
      for (const name of names) {
        const value = decodeStrict(encodeCanonical({ [name]: 1 }));
        expect(Object.keys(value)).to.deep.equal([name]);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });

  it('lets a key reach no prototype, whatever it is called (F-44)', () => {
    const value = decodeStrict(encodeCanonical({ toString: 1, hasOwnProperty: 2, valueOf: 3 }));
    expect(isMsgpackMap(value) && Object.hasOwn(value, 'toString')).to.equal(true);
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect(Object.keys(Object.prototype)).to.deep.equal([]);
    expectRefusal(() => decodeStrict(fromHex('81a95f5f70726f746f5f5f81a16101')), 'msgpack.key-forbidden', 1);
    expect(({} as Readonly<Record<string, unknown>>)['a']).to.equal(undefined);
  });

  it('refuses before it builds: the strict walk comes first (F-40, F-43)', () => {
    expectRefusal(() => decodeStrict(fromHex('82a16101a16102')), 'msgpack.key-duplicate', 4);
    expectRefusal(() => decodeStrict(fromHex('d40100')), 'msgpack.type', 0);
    expectRefusal(() => decodeStrict(new Uint8Array()), 'msgpack.truncated', 0);
  });

  it('calls a value outside its range a defect of the caller (F-47, F-50)', () => {
    const deep = Array.from({ length: MAX_DEPTH + 1 }).reduce<MsgpackValue>((inner) => [inner], 0);
    const others: readonly MsgpackValue[] = [
      -1,
      0.5,
      2 ** 53,
      Number.NaN,
      -1n,
      2n ** 64n,
      'a\0',
      '\ud800',
      { 'a\0': 1 },
      deep,
    ];
    for (const value of others) expect(() => encodeCanonical(value)).to.throw(RangeError);
  });
});

function hasLongInteger(value: MsgpackValue): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value === 'number') return value > 0xffffffff;
  if (typeof value !== 'object' || value instanceof Uint8Array) return false;
  return Object.values(value).some(hasLongInteger);
}

/** The same value, its byte strings as Buffers, its maps as Maps in ascending byte order, as the other encoder wants them. */
function ordered(value: MsgpackValue): unknown {
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (!isMsgpackMap(value)) return value.map(ordered);
  const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(utf8(a), utf8(b)));
  return new Map(entries.map(([key, item]) => [key, ordered(item)]));
}

function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Map ? Object.fromEntries([...value].map(([key, item]) => [key, plain(item)])) : value;
}
