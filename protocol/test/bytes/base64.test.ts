import { expect } from 'chai';
import fc from 'fast-check';
import { fromBase64, toBase64 } from '../../src/bytes/base64.ts';

const SEED = 20_821;

describe('base64', () => {
  it('is what Node writes, and comes back', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      expect(toBase64(bytes)).to.equal(text);
      expect(fromBase64(text)).to.deep.equal(bytes);
    });
    fc.assert(property, { seed: SEED });
  });

  it('has one form: other padding, unused bits and other characters are refused', () => {
    for (const text of [
      'QQ',
      'QQ=',
      'QR==',
      'QUJ=',
      'Q',
      '=',
      'QQ==QQ==',
      'QUI',
      'QUJD=',
      'QUJD====',
      'QU-D',
      'QU D',
      'QUJD\n',
    ]) {
      expect(fromBase64(text), text).to.equal(undefined);
    }
    expect(fromBase64('')).to.deep.equal(new Uint8Array());
  });

  it('that decodes re-encodes identically', () => {
    const characters = fc.constantFrom('A', 'Q', 'z', '/', '+', '=', '-', '_', ' ');
    const property = fc.property(fc.array(characters, { maxLength: 12 }), (digits) => {
      const text = digits.join('');
      const bytes = fromBase64(text);
      if (bytes !== undefined) expect(toBase64(bytes)).to.equal(text);
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });
});
