/** The same bytes with one bit changed; bit 0 is the lowest of byte 0. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

/** The same bytes and some more. */
export function followedBy(bytes: Uint8Array, ...more: readonly number[]): Uint8Array {
  return Uint8Array.from([...bytes, ...more]);
}
