import { ed25519 } from '@noble/curves/ed25519.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, utf8 } from '../../src/bytes/text.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { importedByAll, integerOf, littleEndian, SUITES, verdictOf } from './suites.ts';

const SEED = 20_813;
const FIELD = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 2n ** 255n;

/** RFC 8032, 7.1, test 2. */
const KEY = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
const MESSAGE = fromHex('72');
const SIGNATURE = fromHex(
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
    '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
);
const S = integerOf(SIGNATURE.slice(32).reverse());

function signature(r: Uint8Array, s: bigint): Uint8Array {
  return Uint8Array.from([...r, ...littleEndian(s)]);
}

const R = SIGNATURE.subarray(0, 32);

function expectRefusedByAll(key: Uint8Array): void {
  for (const suite of SUITES) expectRefusal(() => suite.importKey({ algorithm: 'ed25519', key }), 'key.parameters');
}

/** Every point of order 1, 2, 4 or 8: the multiples of one of order 8. */
function smallOrderPoints(): InstanceType<typeof ed25519.Point>[] {
  const generator = ed25519.Point.fromBytes(
    fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
  );
  const points = [ed25519.Point.ZERO];
  for (let i = 1; i < 8; i++) points.push((points.at(-1) ?? ed25519.Point.ZERO).add(generator));
  return points;
}

/** The canonical encoding, that with the other sign of x, and where they fit those with y + p. */
function encodingsOf(point: InstanceType<typeof ed25519.Point>): Uint8Array[] {
  const y = integerOf(point.toBytes().slice().reverse()) & (SIGN_BIT - 1n);
  return [y, y + FIELD]
    .filter((value) => value < SIGN_BIT)
    .flatMap((value) => [value, value | SIGN_BIT].map(littleEndian));
}

describe('Ed25519', () => {
  const keys = importedByAll({ algorithm: 'ed25519', key: KEY });

  it('takes the signature of RFC 8032', () => {
    expect(verdictOf(keys, MESSAGE, SIGNATURE)).to.equal(true);
    expect(verdictOf(keys, utf8('s'), SIGNATURE)).to.equal(false);
  });

  it('refuses S + L, which is the same number to a careless verifier (F-64)', () => {
    expect(verdictOf(keys, MESSAGE, signature(R, S + ORDER))).to.equal(false);
    expect(verdictOf(keys, MESSAGE, signature(R, ORDER))).to.equal(false);
  });

  it('refuses other lengths', () => {
    expect(verdictOf(keys, MESSAGE, SIGNATURE.subarray(0, 63))).to.equal(false);
    expect(verdictOf(keys, MESSAGE, followedBy(SIGNATURE, 0))).to.equal(false);
  });

  it('refuses R in a non-canonical encoding or of small order (F-64)', () => {
    for (const point of smallOrderPoints()) {
      for (const r of encodingsOf(point)) expect(verdictOf(keys, MESSAGE, signature(r, S))).to.equal(false);
    }
  });

  it('refuses every signature with one bit flipped, on both suites', () => {
    for (let bit = 0; bit < 8 * SIGNATURE.length; bit += 3) {
      expect(verdictOf(keys, MESSAGE, flipped(SIGNATURE, bit)), `bit ${bit}`).to.equal(false);
    }
  });

  it('is decided alike by both suites for keys with a part of small order (F-65)', () => {
    const secret = 5n;
    for (const torsion of smallOrderPoints()) {
      const mixed = ed25519.Point.BASE.multiply(secret).add(torsion);
      const both = importedByAll({ algorithm: 'ed25519', key: mixed.toBytes() });
      const verdicts = Array.from({ length: 8 }, (_, i) => {
        const message = Uint8Array.of(i);
        const point = ed25519.Point.BASE.multiply(7n);
        const k = challenge(point.toBytes(), mixed.toBytes(), message);
        return verdictOf(both, message, signature(point.toBytes(), (7n + k * secret) % ORDER));
      });
      if (torsion.is0()) expect(verdicts).to.not.include(false);
    }
  });

  it('is decided alike by both suites, whatever the bytes (F-65)', () => {
    const property = fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.boolean(), (bytes, asKey) => {
      if (!asKey) verdictOf(keys, MESSAGE, signature(bytes, S));
      else {
        const imported = SUITES.map((suite) =>
          unlessRefused(() => suite.importKey({ algorithm: 'ed25519', key: bytes })),
        );
        expect(new Set(imported.map((key) => key === undefined)).size).to.equal(1);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });
});

function challenge(r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  const digest = SUITES[0]?.sha512(Uint8Array.from([...r, ...key, ...message])) ?? new Uint8Array();
  return integerOf(digest.reverse()) % ORDER;
}

describe('an Ed25519 key', () => {
  it('is refused for every point of small order, in every encoding (F-63)', () => {
    const points = smallOrderPoints();
    expect(new Set(points.map((point) => point.toHex())).size).to.equal(8);
    for (const point of points) {
      for (const encoded of encodingsOf(point)) expectRefusedByAll(encoded);
    }
  });

  it('is refused where y is not below the field (F-64)', () => {
    for (let above = 0n; above < 19n; above++) {
      expectRefusedByAll(littleEndian(FIELD + above));
      expectRefusedByAll(littleEndian((FIELD + above) | SIGN_BIT));
    }
  });

  it('is refused where no point of the curve has this y, already at import (F-62)', () => {
    expectRefusedByAll(littleEndian(2n));
    expectRefusedByAll(littleEndian(2n | SIGN_BIT));
    expect(importedByAll({ algorithm: 'ed25519', key: littleEndian(3n) })).to.have.length(2);
  });

  it('is refused with another length', () => {
    expectRefusedByAll(KEY.subarray(1));
    expectRefusedByAll(followedBy(KEY, 0));
  });

  it('is not changed by its import, nor a signature by its verification, even as Buffers (F-48)', () => {
    const [key, signed] = [Buffer.from(KEY), Buffer.from(SIGNATURE)];
    expect(verdictOf(importedByAll({ algorithm: 'ed25519', key }), MESSAGE, signed)).to.equal(true);
    expect(key.equals(KEY)).to.equal(true);
    expect(signed.equals(SIGNATURE)).to.equal(true);
  });
});
