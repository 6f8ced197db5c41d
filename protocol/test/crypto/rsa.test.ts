import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect } from 'chai';
import { utf8 } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { KeyMaterial } from '../../src/crypto/signature-verifier.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';

type RsaMaterial = Extract<KeyMaterial, { algorithm: 'rsassa' | 'rsapss' }>;

const MESSAGE = utf8('evidence');

interface RsaKey {
  readonly privateKey: KeyObject;
  readonly modulus: Uint8Array;
}

function rsaKey(modulusLength: number, publicExponent = 65537): RsaKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return { privateKey, modulus: new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')) };
}

function material({ modulus }: RsaKey, change: Partial<RsaMaterial> = {}): RsaMaterial {
  return { algorithm: 'rsassa', hash: 'sha256', modulus, exponent: 65537, ...change };
}

function signed({ privateKey: key }: RsaKey, hash: string, saltLength?: number): Uint8Array {
  const padding = saltLength === undefined ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_PSS_PADDING;
  return new Uint8Array(sign(hash, MESSAGE, { key, padding, ...(saltLength === undefined ? {} : { saltLength }) }));
}

describe('RSA', () => {
  const key = rsaKey(2048);

  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    it(`takes RSASSA with ${hash} and nothing else for it`, () => {
      const imported = nodeCrypto.importKey(material(key, { hash }));
      expect(imported.verify(MESSAGE, signed(key, hash))).to.equal(true);
      expect(imported.verify(MESSAGE, signed(key, hash === 'sha256' ? 'sha384' : 'sha256'))).to.equal(false);
      expect(imported.verify(MESSAGE, signed(key, hash, 32))).to.equal(false);
      expect(imported.verify(utf8('evidencf'), signed(key, hash))).to.equal(false);
    });

    it(`takes RSAPSS with ${hash} and a salt as long as the hash only`, () => {
      const imported = nodeCrypto.importKey(material(key, { hash, algorithm: 'rsapss' }));
      const size = nodeCrypto[hash](MESSAGE).length;
      expect(imported.verify(MESSAGE, signed(key, hash, size))).to.equal(true);
      for (const salt of [0, size - 1, 100]) expect(imported.verify(MESSAGE, signed(key, hash, salt))).to.equal(false);
      expect(imported.verify(MESSAGE, signed(key, hash))).to.equal(false);
    });
  }

  it('refuses a signature shorter or longer than the modulus, of zeros, and not below it', () => {
    const imported = nodeCrypto.importKey(material(key));
    const good = signed(key, 'sha256');
    const odd = [
      good.subarray(1),
      followedBy(good, 0),
      Uint8Array.from([0, ...good]),
      new Uint8Array(256),
      key.modulus,
    ];
    for (const bytes of [...odd, new Uint8Array(256).fill(0xff)]) {
      expect(imported.verify(MESSAGE, bytes)).to.equal(false);
    }
  });

  it('refuses every signature with one bit flipped', () => {
    const imported = nodeCrypto.importKey(material(key));
    const good = signed(key, 'sha256');
    for (let bit = 0; bit < 8 * good.length; bit++) {
      expect(imported.verify(MESSAGE, flipped(good, bit)), `bit ${bit}`).to.equal(false);
    }
  });
});

describe('an RSA key', () => {
  const key = rsaKey(2048);

  it('is refused under 2048 bits, also with zeros before it (F-10)', () => {
    const small = rsaKey(1024);
    expectRefusal(() => nodeCrypto.importKey(material(small)), 'key.parameters');
    const padded = new Uint8Array(256);
    padded.set(small.modulus, 128);
    expectRefusal(() => nodeCrypto.importKey(material(small, { modulus: padded })), 'key.parameters');
    expectRefusal(() => nodeCrypto.importKey(material(key, { modulus: key.modulus.subarray(1) })), 'key.parameters');
  });

  it('is refused with an exponent other than 65537 (F-10)', () => {
    for (const exponent of [0, 1, 3, 17, 65536, 2 ** 32 - 1]) {
      expectRefusal(() => nodeCrypto.importKey(material(key, { exponent })), 'key.parameters');
    }
  });

  it('is refused with an even modulus, with one beyond 8192 bits, and with SHA-1 (F-10)', () => {
    const even = key.modulus.slice();
    even[255] = (even[255] ?? 0) & 0xfe;
    expectRefusal(() => nodeCrypto.importKey(material(key, { modulus: even })), 'key.parameters');
    expectRefusal(
      () => nodeCrypto.importKey(material(key, { modulus: new Uint8Array(1025).fill(0xff) })),
      'key.parameters',
    );
    expectRefusal(() => nodeCrypto.importKey(material(key, { hash: 'sha1' })), 'key.parameters');
  });

  it('is refused by the portable suite, which says that it has no RSA', () => {
    expect(nobleCrypto.algorithms).to.have.members(['ecdsa-p256', 'ed25519']);
    expectRefusal(() => nobleCrypto.importKey(material(key)), 'key.parameters');
  });
});
