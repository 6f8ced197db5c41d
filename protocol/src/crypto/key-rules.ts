import { integer } from '../bytes/integer.ts';
import { ProtocolError } from '../error.ts';
import type { KeyMaterial } from './signature-verifier.ts';

const COORDINATE_BYTES = 32;
const MIN_RSA_BYTES = 256;
const MAX_RSA_BYTES = 1024;
const RSA_EXPONENT = 65537;

/** 2^255 - 19 and d of edwards25519 (RFC 8032, 5.1). */
const FIELD = 2n ** 255n - 19n;
const D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n;

/** The y coordinates of its eight points of small order. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  FIELD - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/**
 * What every suite refuses before it imports a key, so that both refuse alike.
 * @throws ProtocolError `key.parameters`
 */
export function checkKeyMaterial(material: KeyMaterial): void {
  if (!isAllowed(material)) throw new ProtocolError('key.parameters');
}

function isAllowed(material: KeyMaterial): boolean {
  switch (material.algorithm) {
    case 'ecdsa-p256':
      return material.x.length === COORDINATE_BYTES && material.y.length === COORDINATE_BYTES;
    case 'ed25519':
      return isStrongEd25519(material.key);
    case 'rsassa':
    case 'rsapss': {
      const { modulus, exponent, hash } = material;
      const topBitSet = ((modulus[0] ?? 0) & 0x80) !== 0;
      const odd = ((modulus.at(-1) ?? 0) & 1) === 1;
      const sized = modulus.length >= MIN_RSA_BYTES && modulus.length <= MAX_RSA_BYTES;
      return sized && topBitSet && odd && exponent === RSA_EXPONENT && hash !== 'sha1';
    }
  }
}

/** A canonical encoding (y below the field's order) of a point of the curve that is not of small order (F-63, F-64). */
function isStrongEd25519(key: Uint8Array): boolean {
  if (key.length !== 32) return false;
  const littleEndian = Uint8Array.from(key).reverse();
  littleEndian[0] = (littleEndian[0] ?? 0) & 0x7f;
  const y = integer(littleEndian);
  return y < FIELD && !SMALL_ORDER_Y.has(y) && isOnEdwards25519(y);
}

/** RFC 8032, 5.1.3: x^2 = (y^2 - 1) / (d y^2 + 1) has a root. OpenSSL looks only when it verifies, which is too late to refuse a key. */
function isOnEdwards25519(y: bigint): boolean {
  const square = (y * y) % FIELD;
  return isSquare((((square + FIELD - 1n) % FIELD) * ((D * square + 1n) % FIELD)) % FIELD);
}

/** Euler's criterion. */
function isSquare(value: bigint): boolean {
  let power = 1n;
  let base = value;
  for (let exponent = (FIELD - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) power = (power * base) % FIELD;
    base = (base * base) % FIELD;
  }
  return power <= 1n;
}
