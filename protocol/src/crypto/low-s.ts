import { integer } from '../bytes/integer.ts';
import { fromHex } from '../bytes/text.ts';

/** Order of P-256 (FIPS 186-5, with SP 800-186, 3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SCALAR_BYTES = 32;

/**
 * Whether a P-256 signature is in the one form that we make: r and n - s sign the same message, so s stays in the lower half (F-61).
 * @param signature r and s, 32 bytes each
 */
export function isLowS(signature: Uint8Array): boolean {
  return integer(signature.subarray(SCALAR_BYTES)) <= P256_ORDER / 2n;
}

/** The form of a P-256 signature whose s is in the lower half; the signature itself where it is that. @param signature r and s, 32 bytes each */
export function withLowS(signature: Uint8Array): Uint8Array {
  if (isLowS(signature)) return signature;
  const opposite = P256_ORDER - integer(signature.subarray(SCALAR_BYTES));
  const low = Uint8Array.from(signature);
  low.set(fromHex(opposite.toString(16).padStart(2 * SCALAR_BYTES, '0')), SCALAR_BYTES);
  return low;
}
