import { createPublicKey } from 'node:crypto';
import { expect } from 'chai';
import { keyOfSpki, P256_SPKI_BYTES, p256Spki } from '../../src/crypto/spki.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { P256 } from './suites.ts';

describe('SubjectPublicKeyInfo', () => {
  const { x, y } = P256.material;
  const spki = p256Spki(x, y);

  it('of a P-256 key is what OpenSSL reads and writes', () => {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    expect(spki).to.have.length(P256_SPKI_BYTES);
    expect(key.export({ format: 'der', type: 'spki' }).equals(spki)).to.equal(true);
    expect(keyOfSpki(spki)).to.deep.equal(P256.material);
  });

  it('of an Ed25519 key is what OpenSSL reads and writes', () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32, 3).toString('base64url') };
    const ed = createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' });
    expect(keyOfSpki(ed)).to.deep.equal({ algorithm: 'ed25519', key: new Uint8Array(32).fill(3) });
  });

  it('is refused in any other form: another length, curve, point format or wrapping (F-62)', () => {
    for (let bit = 0; bit < 8 * 27; bit++) expectRefusal(() => keyOfSpki(flipped(spki, bit)), 'key.parameters');
    for (const bytes of [spki.subarray(1), spki.subarray(0, 90), followedBy(spki, 0), new Uint8Array()]) {
      expectRefusal(() => keyOfSpki(bytes), 'key.parameters');
    }
  });

  it('gives a copy of the key, also of a Buffer (F-48)', () => {
    const bytes = Buffer.from(spki);
    const key = keyOfSpki(bytes);
    bytes.fill(0);
    expect(key).to.deep.equal(P256.material);
  });
});
