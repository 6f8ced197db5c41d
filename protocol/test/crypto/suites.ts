import { p256 } from '@noble/curves/nist.js';
import { toHex } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { CryptoSuite, KeyMaterial, VerificationKey } from '../../src/crypto/signature-verifier.ts';

export const SUITES: readonly CryptoSuite[] = [nodeCrypto, nobleCrypto];

/** The order of P-256 (SP 800-186, 3.2.1.3). */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 1);

/** A P-256 key that signs deterministically (RFC 6979), for tests only. */
export const P256 = {
  material: p256Material(p256.getPublicKey(SECRET, false)),
  /** r and s, 32 bytes each, s in the lower half */
  sign: (message: Uint8Array): Uint8Array => p256.sign(message, SECRET, { lowS: true }),
} as const;

/** @param point 04, x, y */
function p256Material(point: Uint8Array): Extract<KeyMaterial, { algorithm: 'ecdsa-p256' }> {
  return { algorithm: 'ecdsa-p256', hash: 'sha256', x: point.slice(1, 33), y: point.slice(33) };
}

/** What both suites say; fails where they differ. */
export function verdictOf(keys: readonly VerificationKey[], message: Uint8Array, signature: Uint8Array): boolean {
  const verdicts = keys.map((key) => key.verify(message, signature));
  if (new Set(verdicts).size !== 1) {
    throw new RangeError(`the suites differ (${verdicts.join()}) on ${toHex(message)}, ${toHex(signature)}`);
  }
  return verdicts[0] === true;
}

export function importedByAll(material: KeyMaterial): readonly VerificationKey[] {
  return SUITES.map((suite) => suite.importKey(material));
}

/** @returns 32 bytes */
export function bigEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
}

/** @returns 32 bytes */
export function littleEndian(value: bigint): Uint8Array {
  return bigEndian(value).reverse();
}

export function integerOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}
