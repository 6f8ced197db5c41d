import { expect } from 'chai';
import fc from 'fast-check';
import { decodeUtf8, fromHex, isId, toHex, utf8 } from '../../src/bytes/text.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';

const SEED = 40_103;

describe('strict UTF-8', () => {
  it('refuses overlong forms, surrogates, lone bytes and NUL (F-50)', () => {
    for (const hex of ['ff', '80', 'c3', 'c080', 'e08080', 'f0808080', 'eda080', 'edbfbf', 'f4908080', '6100', '00']) {
      expectRefusal(() => decodeUtf8(fromHex(hex), 7), 'bytes.text', 7);
    }
  });

  it('keeps a byte order mark, which is a character like any other (F-50)', () => {
    expect(decodeUtf8(fromHex('efbbbf61'))).to.equal('\ufeffa');
  });

  it('re-encodes what it decodes identically', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
      const text = unlessRefused(() => decodeUtf8(bytes));
      if (text !== undefined) expect(toHex(utf8(text))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });

  it('writes every text as the encoder does, however short and of whatever letters', () => {
    const unit = fc.oneof(fc.constantFrom('a', '\0', '\x7f', '\x80', 'ä', '€', '😀'), fc.string({ unit: 'grapheme' }));
    const property = fc.property(fc.array(unit, { maxLength: 80 }), (parts) => {
      const text = parts.join('');
      expect(toHex(utf8(text))).to.equal(Buffer.from(text, 'utf8').toString('hex'));
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
    for (const length of [0, 63, 64, 65]) expect(utf8('x'.repeat(length))).to.have.length(length);
  });
});

describe('ids', () => {
  it('are 1 to 64 small letters, digits and ._-, the first a letter or digit (F-50, F-93)', () => {
    for (const id of ['a', '0', 'terminal-07', 'a.b_c-d', 'x'.repeat(64)]) expect(isId(id), id).to.equal(true);
    const others = ['', 'x'.repeat(65), 'A', '-a', '.a', '..', '_a', 'a/b', 'a b', 'a\n', 'é', 'а', 'a\0', 'a%2f'];
    for (const id of others) expect(isId(id), JSON.stringify(id)).to.equal(false);
  });
});

describe('hexadecimal', () => {
  it('goes both ways', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(toHex(bytes)).to.equal(Buffer.from(bytes).toString('hex'));
      expect(fromHex(toHex(bytes))).to.deep.equal(bytes);
      expect(fromHex(toHex(bytes).toUpperCase())).to.deep.equal(bytes);
    });
    fc.assert(property, { seed: SEED });
  });

  it('refuses half bytes and everything that is no digit', () => {
    for (const text of ['0', '000', 'zz', '0x00', ' 00', '00 ', '00\n', '0g', '-1', '٠٠']) {
      expectRefusal(() => fromHex(text), 'bytes.hex');
    }
  });
});
