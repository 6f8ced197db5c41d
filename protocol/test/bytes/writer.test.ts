import { expect } from 'chai';
import fc from 'fast-check';
import { Cursor } from '../../src/bytes/cursor.ts';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { Writer } from '../../src/bytes/writer.ts';

const SEED = 40_102;

describe('the writer', () => {
  it('writes big-endian, and lengths before what they count', () => {
    const writer = new Writer(1).u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0fn);
    writer.bytes(fromHex('aa')).sized(fromHex('bbcc')).lengthPrefixed(fromHex('dd'));
    expect(toHex(writer.done())).to.equal('0102030405060708090a0b0c0d0e0faa0002bbcc00000001dd');
  });

  it('writes what a cursor reads', () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const property = fc.property(
      fc.nat(0xff),
      fc.nat(0xffff),
      fc.nat(0xffffffff),
      u64,
      fc.uint8Array({ maxLength: 300 }),
      (a, b, c, d, e) => {
        const cursor = new Cursor(new Writer(2).u8(a).u16(b).u32(c).u64(d).sized(e).lengthPrefixed(e).done());
        expect([cursor.u8(), cursor.u16(), cursor.u32(), cursor.u64()]).to.deep.equal([a, b, c, d]);
        expect(cursor.sized()).to.deep.equal(e);
        expect(cursor.bytes(cursor.u32())).to.deep.equal(e);
        cursor.end();
      },
    );
    fc.assert(property, { seed: SEED });
  });

  it('calls a value that does not fit its field a defect of the caller', () => {
    for (const value of [-1, 0.5, Number.NaN, Infinity]) {
      expect(() => new Writer().u8(value)).to.throw(RangeError);
      expect(() => new Writer().u16(value)).to.throw(RangeError);
      expect(() => new Writer().u32(value)).to.throw(RangeError);
    }
    expect(() => new Writer().u8(0x100)).to.throw(RangeError);
    expect(() => new Writer().u16(0x1_0000)).to.throw(RangeError);
    expect(() => new Writer().u32(0x1_0000_0000)).to.throw(RangeError);
    expect(() => new Writer().u64(-1n)).to.throw(RangeError);
    expect(() => new Writer().u64(2n ** 64n)).to.throw(RangeError);
    expect(() => new Writer().sized(new Uint8Array(0x1_0000))).to.throw(RangeError);
  });

  it('gives a copy: what is written afterwards does not show in it (F-48)', () => {
    const writer = new Writer(8).u8(1);
    const first = writer.done();
    writer.u8(2);
    expect(toHex(first)).to.equal('01');
    first.fill(9);
    expect(toHex(writer.done())).to.equal('0102');
  });

  it('length-prefixes every field, so that no two sequences of fields are one string of bytes (F-67)', () => {
    const fields = fc.array(fc.uint8Array({ maxLength: 6 }), { minLength: 3, maxLength: 3 });
    const joined = (parts: readonly Uint8Array[]): string => {
      const writer = new Writer();
      for (const part of parts) writer.lengthPrefixed(part);
      return toHex(writer.done());
    };
    const property = fc.property(fields, fields, (a, b) => {
      const same = a.every((part, i) => toHex(part) === toHex(b[i] ?? new Uint8Array()));
      expect(joined(a) === joined(b)).to.equal(same);
    });
    fc.assert(property, { seed: SEED });
    expect(joined([fromHex('aa'), fromHex('bbcc')])).to.not.equal(joined([fromHex('aabb'), fromHex('cc')]));
  });

  it('begins anew when cleared: nothing of what was written before is left, whatever the lengths', () => {
    const writer = new Writer(4).bytes(fromHex('aabbccddeeff'));
    const copy = writer.done();
    expect(toHex(writer.clear().u8(1).written())).to.equal('01');
    expect(toHex(writer.u16(0x0203).written())).to.equal('010203');
    expect(toHex(writer.clear().written())).to.equal('');
    expect(toHex(copy)).to.equal('aabbccddeeff');
  });
});
