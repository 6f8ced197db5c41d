import { equalBytes } from '../bytes/equal.ts';
import { fromHex } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import type { KeyMaterial } from './signature-verifier.ts';

/** SubjectPublicKeyInfo (RFC 5480) of an uncompressed P-256 point up to its coordinates. */
const P256_PREFIX = fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004');
/** SubjectPublicKeyInfo (RFC 8410) of an Ed25519 key up to the key. */
const ED25519_PREFIX = fromHex('302a300506032b6570032100');

/** Bytes of a P-256 SubjectPublicKeyInfo in the one form that we use. */
export const P256_SPKI_BYTES = 91;

/** @param x 32 bytes @param y 32 bytes @returns 91 bytes of DER */
export function p256Spki(x: Uint8Array, y: Uint8Array): Uint8Array {
  const spki = new Uint8Array(P256_SPKI_BYTES);
  spki.set(P256_PREFIX);
  spki.set(x, P256_PREFIX.length);
  spki.set(y, P256_PREFIX.length + 32);
  return spki;
}

/**
 * The key of a SubjectPublicKeyInfo: P-256 (uncompressed point, named curve) with ECDSA over SHA-256, or Ed25519. Any other form is refused.
 * @throws ProtocolError `key.parameters`
 */
export function keyOfSpki(spki: Uint8Array): KeyMaterial {
  if (spki.length === P256_SPKI_BYTES && equalBytes(spki.subarray(0, P256_PREFIX.length), P256_PREFIX)) {
    const at = P256_PREFIX.length;
    return {
      algorithm: 'ecdsa-p256',
      hash: 'sha256',
      x: Uint8Array.from(spki.subarray(at, at + 32)),
      y: Uint8Array.from(spki.subarray(at + 32)),
    };
  }
  if (
    spki.length === ED25519_PREFIX.length + 32 &&
    equalBytes(spki.subarray(0, ED25519_PREFIX.length), ED25519_PREFIX)
  ) {
    return { algorithm: 'ed25519', key: Uint8Array.from(spki.subarray(ED25519_PREFIX.length)) };
  }
  throw new ProtocolError('key.parameters');
}
