import {
  constants,
  createECDH,
  createHmac,
  createPublicKey,
  hash,
  type KeyObject,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { ProtocolError } from '../error.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';
import type { Agreement, SecretCrypto } from '../tpm/encrypted-secret.ts';
import type { MacFunction } from '../tpm/key-derivation.ts';
import type { HashFunction } from './hash.ts';
import { checkKeyMaterial } from './key-rules.ts';
import { nobleCrypto } from './noble.ts';
import type { CryptoSuite, KeyMaterial, VerificationKey } from './signature-verifier.ts';

/** The fast implementation: node:crypto, keys imported once as KeyObjects. */
export const nodeCrypto: CryptoSuite = {
  name: 'node',
  algorithms: ['ecdsa-p256', 'rsassa', 'rsapss', 'ed25519'],
  sha1: hashFunction('sha1'),
  sha256: hashFunction('sha256'),
  sha384: hashFunction('sha384'),
  sha512: hashFunction('sha512'),
  importKey(material: KeyMaterial): VerificationKey {
    checkKeyMaterial(material);
    let key: KeyObject;
    try {
      key = createPublicKey({ key: jwkOf(material), format: 'jwk' });
    } catch (cause) {
      throw new ProtocolError('key.parameters', undefined, { cause });
    }
    return { material, verify: verification(material, key), verifyDigest: digestVerification(material, key) };
  },
};

/** HMAC with a hash. */
export function nodeHmac(name: HashName): MacFunction {
  return (key, message) => new Uint8Array(createHmac(name, key).update(message).digest());
}

/** Encrypting to a key of a TPM, with fresh randomness. */
export const nodeSecretCrypto: SecretCrypto = {
  hashes: nodeCrypto,
  random: (length) => new Uint8Array(randomBytes(length)),
  oaep: ({ modulus, exponent }, name, label, message) => {
    const jwk = jwkOf({ algorithm: 'rsassa', hash: 'sha256', modulus, exponent });
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return refusing(() => {
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      return publicEncrypt({ key, padding, oaepHash: name, oaepLabel: Buffer.from(label) }, Buffer.from(message));
    });
  },
  agree: nodeAgreement,
};

/**
 * ECDH on P-256. Node checks that the point is one of the curve.
 * @param scalar ephemeral, 32 bytes; a fresh one unless given
 * @throws ProtocolError `key.parameters`
 */
export function nodeAgreement(x: Uint8Array, y: Uint8Array, scalar?: Uint8Array): Agreement {
  const ecdh = createECDH('prime256v1');
  const z = refusing(() => {
    if (scalar === undefined) ecdh.generateKeys();
    else ecdh.setPrivateKey(scalar);
    return ecdh.computeSecret(Buffer.concat([Uint8Array.of(4), x, y]));
  });
  const point = new Uint8Array(ecdh.getPublicKey());
  return { x: point.subarray(1, 33), y: point.subarray(33), z };
}

function refusing(use: () => Uint8Array): Uint8Array {
  try {
    return new Uint8Array(use());
  } catch (cause) {
    throw new ProtocolError('key.parameters', undefined, { cause });
  }
}

/** Allowed by Node, missing in its types. */
const LATIN1 = 'latin1' as 'binary';

/** A latin1 string comes back about four times faster than a Buffer for short inputs. */
function hashFunction(name: HashName): HashFunction {
  const { size } = HASHES[name];
  return (bytes) => {
    const text = hash(name, bytes, LATIN1);
    const digest = new Uint8Array(size);
    for (let i = 0; i < size; i++) digest[i] = text.charCodeAt(i);
    return digest;
  };
}

function jwkOf(material: KeyMaterial): { readonly [name: string]: string } {
  switch (material.algorithm) {
    case 'ecdsa-p256':
      return { kty: 'EC', crv: 'P-256', x: base64url(material.x), y: base64url(material.y) };
    case 'ed25519':
      return { kty: 'OKP', crv: 'Ed25519', x: base64url(material.key) };
    case 'rsassa':
    case 'rsapss': {
      const exponent = Buffer.alloc(4);
      exponent.writeUInt32BE(material.exponent);
      return { kty: 'RSA', n: base64url(material.modulus), e: base64url(exponent.subarray(1)) };
    }
  }
}

function verification(material: KeyMaterial, key: KeyObject): VerificationKey['verify'] {
  switch (material.algorithm) {
    case 'ecdsa-p256': {
      const { hash: name } = material;
      const options = { key, dsaEncoding: 'ieee-p1363' } as const;
      return (message, signature) => signature.length === 64 && verify(name, message, options, signature);
    }
    case 'ed25519':
      return (message, signature) => signature.length === 64 && verify(null, message, key, signature);
    case 'rsassa':
      return (message, signature) =>
        signature.length === material.modulus.length &&
        verify(material.hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    case 'rsapss': {
      // Part 1, B.7: the salt is as long as the hash.
      const options = {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      };
      return (message, signature) =>
        signature.length === material.modulus.length && verify(material.hash, message, options, signature);
    }
  }
}

/** DigestInfo (RFC 8017, 9.2) up to the digest: SEQUENCE, algorithm identifier with NULL, OCTET STRING. */
const DIGEST_INFO: Readonly<Record<HashName, string>> = {
  sha1: '3021300906052b0e03021a05000414',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

/** Node has no ECDSA over a digest, so noble decides that; few keys are asked, so only theirs are imported a second time. */
function digestVerification(material: KeyMaterial, key: KeyObject): VerificationKey['verifyDigest'] {
  switch (material.algorithm) {
    case 'ecdsa-p256': {
      let portable: VerificationKey | undefined;
      return (digest, signature) => {
        portable ??= nobleCrypto.importKey(material);
        return portable.verifyDigest(digest, signature);
      };
    }
    case 'rsassa': {
      const { hash: name, modulus } = material;
      const head = Buffer.from(DIGEST_INFO[name], 'hex');
      return (digest, signature) =>
        digest.length === HASHES[name].size &&
        signature.length === modulus.length &&
        recovered(key, signature)?.equals(Buffer.concat([head, digest])) === true;
    }
    case 'rsapss':
    case 'ed25519':
      return () => false;
  }
}

/** What a PKCS #1 v1.5 signature pads; undefined where the padding is wrong. */
function recovered(key: KeyObject, signature: Uint8Array): Buffer | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    return undefined;
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
