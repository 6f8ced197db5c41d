import { expect } from 'chai';
import fc from 'fast-check';
import { Cursor } from '../../src/bytes/cursor.ts';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';

const SEED = 40_101;

/** One read of every kind, by how many bytes it takes. */
const READS: readonly (readonly [size: number, read: (cursor: Cursor) => unknown])[] = [
  [1, (cursor) => cursor.u8()],
  [2, (cursor) => cursor.u16()],
  [4, (cursor) => cursor.u32()],
  [8, (cursor) => cursor.u64()],
  [5, (cursor) => cursor.bytes(5)],
];

describe('the cursor', () => {
  it('reads big-endian integers over their whole range', () => {
    const cursor = new Cursor(fromHex('ff' + 'fffe' + 'fffffffd' + 'fffffffffffffffc'));
    expect(cursor.u8()).to.equal(0xff);
    expect(cursor.u16()).to.equal(0xfffe);
    expect(cursor.u32()).to.equal(0xfffffffd);
    expect(cursor.u64()).to.equal(0xfffffffffffffffcn);
    cursor.end();
  });

  it('reads nothing past the end, and says at which byte the field began (F-19)', () => {
    for (const [size, read] of READS) {
      for (let left = 0; left < size; left++) {
        const cursor = new Cursor(new Uint8Array(3 + left));
        cursor.bytes(3);
        expectRefusal(() => read(cursor), 'tpm.truncated', 3);
        expect(cursor.remaining).to.equal(left);
      }
    }
  });

  it('believes no inner length beyond the outer one (F-19)', () => {
    expectRefusal(() => new Cursor(fromHex('0003aabb')).sized(), 'tpm.truncated', 2);
    expectRefusal(() => new Cursor(fromHex('ffff')).sized(), 'tpm.truncated', 2);
    expect(toHex(new Cursor(fromHex('0002aabbcc')).sized())).to.equal('aabb');
    expect(new Cursor(fromHex('0000')).sized()).to.have.length(0);
  });

  it('demands the exact end (F-19)', () => {
    const cursor = new Cursor(fromHex('aabb'));
    cursor.u8();
    expectRefusal(
      () => {
        cursor.end();
      },
      'tpm.trailing-bytes',
      1,
    );
    cursor.u8();
    cursor.end();
  });

  it('counts offsets from the start of the outermost input', () => {
    const cursor = new Cursor(fromHex('00aabb').subarray(1), 41);
    expect(cursor.offset).to.equal(41);
    cursor.u8();
    expect(cursor.offset).to.equal(42);
    expectRefusal(() => cursor.u16(), 'tpm.truncated', 42);
  });

  it('reads a view of a larger buffer as if it were alone', () => {
    const cursor = new Cursor(fromHex('ffff0001aaffff').subarray(2, 5));
    expect(toHex(cursor.sized())).to.equal('aa');
    cursor.end();
  });

  it('gives plain Uint8Arrays even of a Buffer, so that slice() copies (F-48)', () => {
    const buffer = Buffer.from('0002aabb', 'hex');
    const view = new Cursor(buffer).sized();
    const kept = view.slice();
    expect(Buffer.isBuffer(view)).to.equal(false);
    buffer.fill(0);
    expect(toHex(kept)).to.equal('aabb');
    expect(toHex(view)).to.equal('0000');
  });

  it('after any reads stands within its input, and never goes back', () => {
    const reads = fc.array(fc.constantFrom(...READS), { maxLength: 20 });
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), reads, (bytes, wanted) => {
      const cursor = new Cursor(bytes);
      for (const [size, read] of wanted) {
        const before = cursor.offset;
        if (size > cursor.remaining) {
          expect(refusalOf(() => read(cursor)).offset).to.equal(before);
          expect(cursor.offset).to.equal(before);
        } else {
          read(cursor);
          expect(cursor.offset).to.equal(before + size);
        }
        expect(cursor.offset + cursor.remaining).to.equal(bytes.length);
      }
    });
    fc.assert(property, { seed: SEED });
  });
});
