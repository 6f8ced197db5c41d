import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { expect } from 'chai';
import { nodeAgreement, nodeSecretCrypto } from '../../src/crypto/node.ts';
import { TPM_ALG, TPM_ECC_NIST_P256 } from '../../src/tpm/constants.ts';
import { encryptSecret } from '../../src/tpm/encrypted-secret.ts';
import type { Public } from '../../src/tpm/public.ts';
import { expectRefusal } from '../refusal.ts';

const EMPTY = new Uint8Array();
const AES = { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB };
const NONE = { algorithm: TPM_ALG.NULL, hash: undefined };

function storageKey(parameters: Public['parameters'], nameAlg: number = TPM_ALG.SHA256): Public {
  return { nameAlg, attributes: 0x000300b2, authPolicy: EMPTY, parameters };
}

function ecc(x: Uint8Array, y: Uint8Array, curve: number = TPM_ECC_NIST_P256): Public {
  return storageKey({ type: 'ecc', symmetric: AES, scheme: NONE, curve, kdf: NONE, x, y });
}

function rsa(modulus: Uint8Array, exponent = 0, keyBits = 2048): Public {
  return storageKey({ type: 'rsa', symmetric: AES, scheme: NONE, keyBits, exponent, modulus });
}

const BASE_X = new Uint8Array(Buffer.from('axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY', 'base64url'));
const BASE_Y = new Uint8Array(Buffer.from('T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU', 'base64url'));

describe('encrypting to a key of a TPM', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const modulus = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'));

  it('RSA: OAEP under the label with its zero byte', () => {
    const { seed, encrypted } = encryptSecret(rsa(modulus), 'IDENTITY', nodeSecretCrypto);
    const options = {
      key: privateKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from('IDENTITY\0'),
    };
    expect(new Uint8Array(privateDecrypt(options, Buffer.from(encrypted)))).to.deep.equal(seed);
    expect(seed).to.have.length(32);
  });

  it('P-256: a fresh point each time', () => {
    const key = nodeAgreement(BASE_X, BASE_Y);
    const first = encryptSecret(ecc(key.x, key.y), 'SECRET', nodeSecretCrypto);
    const second = encryptSecret(ecc(key.x, key.y), 'SECRET', nodeSecretCrypto);
    expect(first.encrypted).to.have.length(68);
    expect(first.seed).not.to.deep.equal(second.seed);
  });

  it('refuses points off the curve, weak and odd-sized keys, and kinds that encrypt nothing (F-62)', () => {
    const key = nodeAgreement(BASE_X, BASE_Y);
    const even = Uint8Array.from(modulus);
    even[255] = 0x10;
    for (const area of [
      ecc(key.x, key.x),
      ecc(EMPTY, EMPTY),
      ecc(Uint8Array.of(0, ...key.x), key.y),
      ecc(key.x, key.y, 4),
      rsa(even),
      rsa(modulus, 3),
      rsa(modulus.subarray(0, 128), 0, 1024),
      rsa(modulus, 0, 1024),
      storageKey({ type: 'keyedhash', scheme: NONE, unique: EMPTY }),
      storageKey({ ...ecc(key.x, key.y).parameters }, TPM_ALG.XOR),
    ]) {
      expectRefusal(() => encryptSecret(area, 'SECRET', nodeSecretCrypto), 'key.parameters');
    }
  });
});
