import { createHash } from 'node:crypto';

const LEAF = Buffer.of(0);

/** Bytes of every hash of the tree. */
const HASH_BYTES = 32;

/** Leaf hash: SHA-256(0x00 || data). @param data of any length @returns 32 bytes @see RFC 9162, 2.1.1 */
export function leafHash(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(LEAF).update(data).digest());
}

/** Whether this hash is the one of this leaf. */
export function isLeafOf(hash: Uint8Array, data: Uint8Array): boolean {
  return hash.length === HASH_BYTES && Buffer.from(leafHash(data)).equals(hash);
}
