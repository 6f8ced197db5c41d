import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { encodeClaims, parseClaims } from '../../src/message/claims.ts';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { expectRefusal } from '../refusal.ts';

const SEED = 40_302;
const D = new Uint8Array(32).fill(4);

const claims = fc.record(
  {
    auditCounter: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    tokenDigest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    activation: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  },
  { requiredKeys: ['auditCounter'] },
);

describe('claims', () => {
  it('come back with all 64 bits of the counter (F-47)', () => {
    const property = fc.property(claims, (value) => {
      expect(parseClaims(encodeClaims(value))).to.deep.equal(value);
      expect(toHex(encodeClaims(parseClaims(encodeClaims(value))))).to.equal(toHex(encodeClaims(value)));
    });
    fc.assert(property, { seed: SEED });
    for (const auditCounter of [0n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      expect(parseClaims(encodeClaims({ auditCounter })).auditCounter).to.equal(auditCounter);
    }
    expect(toHex(encodeClaims({ auditCounter: 5n, tokenDigest: D }))).to.equal(`82a16105a16bc420${toHex(D)}`);
    const all = encodeClaims({ auditCounter: 5n, tokenDigest: D, activation: D });
    expect(toHex(all)).to.equal(`83a16105a163c420${toHex(D)}a16bc420${toHex(D)}`);
  });

  it('are refused with a key missing, unknown or of another type (F-42, F-44)', () => {
    const others: readonly MsgpackValue[] = [
      0,
      [],
      D,
      {},
      { k: D },
      { a: '1' },
      { a: true },
      { a: [1] },
      { a: 1, b: 2 },
      { a: 1, toString: 2 },
      { a: 1, k: 2 },
      { a: 1, k: toHex(D) },
      { a: 1, k: D.subarray(1) },
      { a: 1, k: new Uint8Array(33) },
      { c: D },
      { a: 1, c: 2 },
      { a: 1, c: toHex(D) },
      { a: 1, c: D.subarray(1), k: D },
      { a: 1, c: new Uint8Array(33) },
    ];
    for (const value of others) expectRefusal(() => parseClaims(encodeCanonical(value)), 'message.field', 0);
  });

  it('have one encoding (F-41)', () => {
    expectRefusal(() => parseClaims(fromHex('81a161cc05')), 'msgpack.not-canonical', 3);
    expectRefusal(() => parseClaims(fromHex('82a16105a16106')), 'msgpack.key-duplicate', 4);
    expectRefusal(() => parseClaims(fromHex('81a161ff')), 'msgpack.type', 3);
    expectRefusal(() => parseClaims(new Uint8Array()), 'msgpack.truncated', 0);
  });
});
