import { expect } from 'chai';
import fc from 'fast-check';
import { equalBytes } from '../../src/bytes/equal.ts';
import { flipped, followedBy } from '../mutation.ts';

const SEED = 40_104;

describe('equality of bytes (F-69)', () => {
  it('holds for the same bytes wherever they lie', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(equalBytes(bytes, Buffer.concat([Buffer.of(1, 2), bytes]).subarray(2))).to.equal(true);
    });
    fc.assert(property, { seed: SEED });
  });

  it('fails for one bit in any place, and for a prefix', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => i);
    for (let bit = 0; bit < 8 * bytes.length; bit++) expect(equalBytes(bytes, flipped(bytes, bit))).to.equal(false);
    expect(equalBytes(bytes, bytes.subarray(0, 39))).to.equal(false);
    expect(equalBytes(bytes, followedBy(bytes, 0))).to.equal(false);
    expect(equalBytes(new Uint8Array(), new Uint8Array(1))).to.equal(false);
  });
});
