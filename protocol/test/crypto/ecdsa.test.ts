import { expect } from 'chai';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { KeyMaterial } from '../../src/crypto/signature-verifier.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { bigEndian, importedByAll, integerOf, P256, P256_ORDER, SUITES, verdictOf } from './suites.ts';

const SEED = 20_812;
const MESSAGE = utf8('evidence');
const SIGNATURE = P256.sign(MESSAGE);
const R = integerOf(SIGNATURE.subarray(0, 32));
const S = integerOf(SIGNATURE.subarray(32));

function scalars(r: bigint, s: bigint): Uint8Array {
  return Uint8Array.from([...bigEndian(r), ...bigEndian(s)]);
}

describe('ECDSA P-256', () => {
  const keys = importedByAll(P256.material);

  it('takes a signature, and the same with the high s that half of all TPM signatures have (F-61)', () => {
    expect(S < P256_ORDER / 2n).to.equal(true);
    expect(verdictOf(keys, MESSAGE, SIGNATURE)).to.equal(true);
    expect(verdictOf(keys, MESSAGE, scalars(R, P256_ORDER - S))).to.equal(true);
  });

  it('refuses r and s that are zero or not below the order (F-62)', () => {
    const high = 2n ** 256n - 1n;
    for (const r of [0n, P256_ORDER, P256_ORDER + 1n, high])
      expect(verdictOf(keys, MESSAGE, scalars(r, S))).to.equal(false);
    for (const s of [0n, P256_ORDER, high]) expect(verdictOf(keys, MESSAGE, scalars(R, s))).to.equal(false);
    for (const both of [0n, P256_ORDER]) expect(verdictOf(keys, MESSAGE, scalars(both, both))).to.equal(false);
  });

  it('refuses a signature of another length, and one in DER', () => {
    expect(verdictOf(keys, MESSAGE, SIGNATURE.subarray(0, 63))).to.equal(false);
    expect(verdictOf(keys, MESSAGE, followedBy(SIGNATURE, 0))).to.equal(false);
    expect(verdictOf(keys, MESSAGE, new Uint8Array())).to.equal(false);
    const der = Uint8Array.from([
      0x30,
      0x44,
      2,
      0x20,
      ...SIGNATURE.subarray(0, 32),
      2,
      0x20,
      ...SIGNATURE.subarray(32),
    ]);
    expect(verdictOf(keys, MESSAGE, der)).to.equal(false);
  });

  it('refuses another message and the same under another hash', () => {
    expect(verdictOf(keys, utf8('evidencf'), SIGNATURE)).to.equal(false);
    expect(verdictOf(importedByAll({ ...P256.material, hash: 'sha384' }), MESSAGE, SIGNATURE)).to.equal(false);
  });

  it('refuses every signature with one bit flipped', () => {
    for (let bit = 0; bit < 8 * SIGNATURE.length; bit++) {
      const changed = flipped(SIGNATURE, bit);
      expect(nodeCrypto.importKey(P256.material).verify(MESSAGE, changed), `bit ${bit}`).to.equal(false);
      if (bit % 16 === 0) expect(verdictOf(keys, MESSAGE, changed)).to.equal(false);
    }
  });

  it('is decided alike by both suites, whatever the bytes (F-65)', () => {
    const edges = fc.constantFrom(0n, 1n, R, S, P256_ORDER - S, P256_ORDER - 1n, P256_ORDER, 2n ** 256n - 1n);
    const scalar = fc.oneof(edges, fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }));
    const property = fc.property(scalar, scalar, (r, s) => {
      verdictOf(keys, MESSAGE, scalars(r, s));
    });
    fc.assert(property, { seed: SEED, numRuns: 150 });
  });
});

describe('a P-256 key', () => {
  const { x, y } = P256.material;

  function expectRefusedByAll(change: Partial<{ x: Uint8Array; y: Uint8Array }>): void {
    const material: KeyMaterial = { ...P256.material, ...change };
    for (const suite of SUITES) expectRefusal(() => suite.importKey(material), 'key.parameters');
  }

  it('is refused off the curve, also as the point at infinity (F-62)', () => {
    expectRefusedByAll({ y: flipped(y, 0) });
    expectRefusedByAll({ x: flipped(x, 77) });
    expectRefusedByAll({ x: y, y: x });
    expectRefusedByAll({ x: new Uint8Array(32), y: new Uint8Array(32) });
  });

  it('is refused with coordinates of another length or not below the field (F-62)', () => {
    expectRefusedByAll({ x: x.subarray(1) });
    expectRefusedByAll({ y: followedBy(y, 0) });
    const prime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
    const root = 0x66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4n;
    expect(importedByAll({ ...P256.material, x: bigEndian(0n), y: bigEndian(root) })).to.have.length(2);
    expectRefusedByAll({ x: bigEndian(prime), y: bigEndian(root) });
  });

  it('keeps nothing of the bytes it was imported from', () => {
    const [mineX, mineY] = [x.slice(), y.slice()];
    const keys = importedByAll({ ...P256.material, x: mineX, y: mineY });
    mineX.fill(0);
    mineY.fill(0);
    expect(verdictOf(keys, MESSAGE, SIGNATURE)).to.equal(true);
  });
});
