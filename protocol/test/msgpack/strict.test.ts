import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, utf8 } from '../../src/bytes/text.ts';
import type { ProtocolCode } from '../../src/error.ts';
import { encodeCanonical } from '../../src/msgpack/codec.ts';
import { checkStrict, MAX_DEPTH } from '../../src/msgpack/strict.ts';
import { followedBy } from '../mutation.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';
import { canonicalValues } from './canonical-values.ts';

const SEED = 40_501;

type Refused = readonly [hex: string, offset?: number];

function refuses(title: string, code: ProtocolCode, cases: readonly Refused[]): void {
  it(title, () => {
    for (const [hex, offset] of cases) expectRefusal(() => checkStrict(fromHex(hex)), code, offset);
  });
}

function text(bytes: string): string {
  return (0xa0 | (bytes.length / 2)).toString(16) + bytes;
}

describe('the strict walk', () => {
  it('passes the shortest form of every type at both ends of its range', () => {
    const integers = ['00', '7f', 'cc80', 'ccff', 'cd0100', 'cdffff', 'ce00010000', 'ceffffffff'];
    const long = ['cf0000000100000000', 'cf001fffffffffffff', 'cf0020000000000001', 'cfffffffffffffffff'];
    const others = ['c2', 'c3', 'a0', 'a161', 'c400', 'c40100', '90', '9100', '80', '81a000', '82a16100a16200'];
    for (const hex of [...integers, ...long, ...others]) checkStrict(fromHex(hex));
    for (const [header, length] of [
      ['d920', 0x20],
      ['d9ff', 0xff],
      ['da0100', 0x100],
      ['daffff', 0xffff],
      ['db00010000', 0x10000],
    ] as const) {
      checkStrict(followedBy(fromHex(header), ...utf8('x'.repeat(length))));
    }
    for (const [header, length] of [
      ['c4ff', 0xff],
      ['c50100', 0x100],
      ['c5ffff', 0xffff],
      ['c600010000', 0x10000],
      ['9f', 15],
      ['dc0010', 0x10],
      ['dcffff', 0xffff],
      ['dd00010000', 0x10000],
    ] as const) {
      checkStrict(followedBy(fromHex(header), ...new Uint8Array(length)));
    }
  });

  refuses('refuses integers that a shorter form could hold (F-41)', 'msgpack.not-canonical', [
    ['cc00', 0],
    ['cc7f', 0],
    ['cd00ff', 0],
    ['ce0000ffff', 0],
    ['cf0000000000000000', 0],
    ['cf00000000ffffffff', 0],
    ['9200cc7f', 2],
  ]);

  refuses(
    'refuses lengths that a shorter form could hold, before looking at what follows (F-41)',
    'msgpack.not-canonical',
    [
      ['d900', 0],
      [`d91f${'61'.repeat(31)}`, 0],
      ['da00ff', 0],
      ['db0000ffff', 0],
      ['c50001', 0],
      ['c500ff', 0],
      ['c600000001', 0],
      ['dc000f', 0],
      ['dd0000ffff', 0],
      ['de000f', 0],
      ['df0000ffff', 0],
      ['81d90161', 1],
    ],
  );

  refuses('refuses floats, nil and negative integers (F-42, F-47)', 'msgpack.type', [
    ['c0', 0],
    ['ca3f800000', 0],
    ['cb3ff0000000000000', 0],
    ['e0', 0],
    ['ff', 0],
    ['d0ff', 0],
    ['d1ff00', 0],
    ['d2ffff0000', 0],
    ['d3ffffffff00000000', 0],
    ['d001', 0],
    ['81a161c0', 3],
  ]);

  refuses('refuses the reserved byte and every extension, timestamps included (F-43)', 'msgpack.type', [
    ['c1', 0],
    ['c70001', 0],
    ['c8000001', 0],
    ['c90000000001', 0],
    ['d40100', 0],
    ['d5010000', 0],
    ['d6ff00000000', 0],
    ['d7ff0000000000000000', 0],
    [`d801${'00'.repeat(16)}`, 0],
    ['c70cff000000000000000000000000', 0],
    ['91d40072', 1],
  ]);

  refuses('refuses a key that stands twice (F-40)', 'msgpack.key-duplicate', [
    ['82a16101a16102', 4],
    ['82a001a002', 3],
    ['83a16101a16201a16201', 7],
    [`82d920${'61'.repeat(32)}01d920${'61'.repeat(32)}01`, 36],
  ]);

  refuses(
    'refuses keys out of order by bytes, a longer one before its beginning included (F-41)',
    'msgpack.key-order',
    [
      ['82a16201a16101', 4],
      ['82a2616101a16101', 5],
      ['82a16101a001', 4],
      // U+1F600 before U+FF5E: ascending by UTF-16 units, not by bytes.
      ['82a4f09f988001a3efbd9e01', 7],
    ],
  );

  it('compares the keys of every map with those of that map only (F-40)', () => {
    checkStrict(fromHex('9281a1620181a16101'));
    checkStrict(fromHex('82a16181a16201a16201'));
    expectRefusal(() => checkStrict(fromHex('82a16181a16201a16101')), 'msgpack.key-duplicate', 7);
    expectRefusal(() => checkStrict(fromHex('82a16281a16301a16101')), 'msgpack.key-order', 7);
  });

  refuses('refuses keys that are no short text (F-42)', 'msgpack.key-type', [
    ['810100', 1],
    ['81c200', 1],
    ['81c4016100', 1],
    ['819000', 1],
    [`81da0100${'61'.repeat(256)}00`, 1],
    ['82a161000100', 4],
  ]);

  refuses('refuses keys that name parts of every object (F-44)', 'msgpack.key-forbidden', [
    ['81a95f5f70726f746f5f5f00', 1],
    ['81ab636f6e7374727563746f7200', 1],
    ['81a970726f746f7479706500', 1],
    ['9181a95f5f70726f746f5f5f80', 2],
  ]);

  refuses('refuses text that is not strict UTF-8 or holds a NUL, in values and keys (F-50)', 'msgpack.text', [
    [text('ff')],
    [text('80')],
    [text('c3')],
    [text('c080')],
    [text('e08080')],
    [text('f0808080')],
    [text('eda080')],
    [text('edbfbf')],
    [text('f4908080')],
    [text('00'), 1],
    [text('6100'), 2],
    [`81${text('c080')}00`],
    [`81${text('00')}00`, 2],
  ]);

  it('passes 16 levels and refuses the next, without recursion (F-45)', () => {
    for (const open of ['91', '81a0']) {
      checkStrict(fromHex(`${open.repeat(MAX_DEPTH)}00`));
      expectRefusal(
        () => checkStrict(fromHex(`${open.repeat(MAX_DEPTH + 1)}00`)),
        'msgpack.depth',
        (MAX_DEPTH * open.length) / 2,
      );
    }
    expectRefusal(() => checkStrict(new Uint8Array(1_000_000).fill(0x91)), 'msgpack.depth', MAX_DEPTH);
    checkStrict(fromHex(`92${'91'.repeat(MAX_DEPTH - 1)}00${'91'.repeat(MAX_DEPTH - 1)}00`));
  });

  refuses('compares every declared length with what is left, before anything else (F-46)', 'msgpack.length', [
    ['a5', 0],
    ['d920', 0],
    ['dbffffffff', 0],
    ['c401'],
    ['c50100'],
    ['c6ffffffff'],
    ['95', 0],
    ['dcffff', 0],
    ['ddffffffff', 0],
    ['85', 0],
    ['81a0', 0],
    ['deffff', 0],
    ['dfffffffff', 0],
    ['dfffffffff80', 0],
    ['91ddffffffff', 1],
  ]);

  refuses('refuses an encoding that ends inside a header (F-46)', 'msgpack.truncated', [
    ['', 0],
    ['cc', 1],
    ['cdff', 1],
    ['ceffffff', 1],
    ['cf', 1],
    ['cf00000001000000', 5],
    ['c4', 1],
    ['d9', 1],
    ['dd000100', 1],
    ['81a161', 3],
  ]);

  refuses('refuses what follows the value (F-41)', 'msgpack.trailing-bytes', [
    ['0000', 1],
    ['c2c3', 1],
    ['9000', 1],
    ['80c1', 1],
  ]);

  it('cut anywhere or continued, refuses with an offset inside the input (F-41, F-46)', () => {
    const property = fc.property(canonicalValues, fc.nat(), fc.nat(255), (value, cut, more) => {
      const bytes = encodeCanonical(value);
      checkStrict(bytes);
      const length = cut % bytes.length;
      const { code, offset } = refusalOf(() => checkStrict(bytes.subarray(0, length)));
      expect(code).to.be.oneOf(['msgpack.truncated', 'msgpack.length']);
      expect(offset).to.be.within(0, length);
      expectRefusal(() => checkStrict(followedBy(bytes, more)), 'msgpack.trailing-bytes', bytes.length);
    });
    fc.assert(property, { seed: SEED });
  });

  it('meets any bytes with a code or with silence', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        checkStrict(bytes);
      } catch {
        const { code, offset } = refusalOf(() => checkStrict(bytes));
        expect(code).to.match(/^msgpack\./);
        expect(offset).to.be.within(0, bytes.length);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });

  it('walks a view of a larger buffer as if it were alone', () => {
    const pooled = fromHex('ffff82a16101a16202ffff');
    checkStrict(pooled.subarray(2, 9));
    expectRefusal(() => checkStrict(pooled.subarray(2, 8)), 'msgpack.truncated', 6);
    expectRefusal(() => checkStrict(pooled.subarray(2)), 'msgpack.trailing-bytes', 7);
  });
});
