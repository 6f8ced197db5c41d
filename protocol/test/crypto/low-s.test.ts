import { expect } from 'chai';
import { utf8 } from '../../src/bytes/text.ts';
import { isLowS, withLowS } from '../../src/crypto/low-s.ts';
import { bigEndian, importedByAll, integerOf, P256, P256_ORDER, verdictOf } from './suites.ts';

const HALF = P256_ORDER / 2n;
const R = bigEndian(7n);

function signature(s: bigint): Uint8Array {
  return Uint8Array.from([...R, ...bigEndian(s)]);
}

describe('the low s of a P-256 signature (F-61)', () => {
  it('goes up to half the order', () => {
    for (const s of [0n, 1n, HALF - 1n, HALF]) expect(isLowS(signature(s)), String(s)).to.equal(true);
    for (const s of [HALF + 1n, P256_ORDER - 1n, P256_ORDER, 2n ** 256n - 1n]) {
      expect(isLowS(signature(s)), String(s)).to.equal(false);
    }
  });

  it('takes the place of a high one, with 32 bytes however small it is; r and the input stay', () => {
    for (const low of [1n, 255n, HALF]) {
      const high = signature(P256_ORDER - low);
      const before = high.slice();
      expect(withLowS(high)).to.deep.equal(signature(low));
      expect(high).to.deep.equal(before);
      expect(withLowS(signature(low))).to.deep.equal(signature(low));
    }
  });

  it('gives the form that signs the same message', () => {
    const message = utf8('evidence');
    const made = P256.sign(message);
    const other = Uint8Array.from([...made.subarray(0, 32), ...bigEndian(P256_ORDER - integerOf(made.subarray(32)))]);
    expect(verdictOf(importedByAll(P256.material), message, other)).to.equal(true);
    expect(withLowS(other)).to.deep.equal(made);
  });
});
