import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { equalBytes } from '../bytes/equal.ts';
import { integer } from '../bytes/integer.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import { HASHES as HASH_FORMS, type HashName } from '../tpm/constants.ts';
import type { HashFunction } from './hash.ts';
import { checkKeyMaterial } from './key-rules.ts';
import type { CryptoSuite, KeyMaterial, VerificationKey } from './signature-verifier.ts';

const HASHES: Readonly<Record<HashName, HashFunction>> = { sha1, sha256, sha384, sha512 };

/** The portable implementation: runs on any JavaScript engine, ECDSA P-256 and Ed25519 only. */
export const nobleCrypto: CryptoSuite = {
  name: 'noble',
  algorithms: ['ecdsa-p256', 'ed25519'],
  ...HASHES,
  importKey(material: KeyMaterial): VerificationKey {
    checkKeyMaterial(material);
    switch (material.algorithm) {
      case 'ecdsa-p256':
        return ecdsaKey(material);
      case 'ed25519':
        return ed25519Key(material);
      default:
        throw new ProtocolError('key.parameters');
    }
  },
};

/** A TPM emits a high s half of the time, so it is accepted (F-61); uniqueness is never expected of a signature. */
function ecdsaKey(material: Extract<KeyMaterial, { algorithm: 'ecdsa-p256' }>): VerificationKey {
  const point = new Uint8Array(65);
  point[0] = 4;
  point.set(material.x, 1);
  point.set(material.y, 33);
  const { Point } = p256;
  try {
    Point.fromBytes(point).assertValidity();
  } catch (cause) {
    throw new ProtocolError('key.parameters', undefined, { cause });
  }
  const hash = HASHES[material.hash];
  const { size } = HASH_FORMS[material.hash];
  const verifyDigest = (digest: Uint8Array, signature: Uint8Array): boolean =>
    digest.length === size &&
    signature.length === 64 &&
    inRange(signature, Point.Fn.ORDER) &&
    p256.verify(signature, digest, point, { prehash: false, lowS: false });
  return { material, verify: (message, signature) => verifyDigest(hash(message), signature), verifyDigest };
}

function inRange(signature: Uint8Array, order: bigint): boolean {
  const r = integer(signature.subarray(0, 32));
  const s = integer(signature.subarray(32));
  return r > 0n && r < order && s > 0n && s < order;
}

/** RFC 8032, 5.1.7, without the cofactor and with R compared as bytes: the rule of OpenSSL, and the stricter one. */
function ed25519Key(material: Extract<KeyMaterial, { algorithm: 'ed25519' }>): VerificationKey {
  const { Point } = ed25519;
  const order = Point.Fn.ORDER;
  const key = decodePoint(material.key);
  return {
    material,
    verify: (message, signature) => {
      if (signature.length !== 64) return false;
      const r = signature.subarray(0, 32);
      const s = integer(Uint8Array.from(signature.subarray(32)).reverse());
      if (s >= order) return false;
      const k = integer(sha512(new Writer().bytes(r).bytes(material.key).bytes(message).written()).reverse()) % order;
      const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
      return equalBytes(expected.toBytes(), r);
    },
    verifyDigest: () => false,
  };
}

function decodePoint(bytes: Uint8Array): InstanceType<typeof ed25519.Point> {
  try {
    return ed25519.Point.fromBytes(bytes);
  } catch (cause) {
    throw new ProtocolError('key.parameters', undefined, { cause });
  }
}
