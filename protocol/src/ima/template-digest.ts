import type { HashFunction } from '../crypto/hash.ts';
import { MAX_IMA_NAME_BYTES } from './entry.ts';
import { IMA_TEMPLATE } from './template.ts';

const IMA_HASHED_BYTES = 20 + MAX_IMA_NAME_BYTES + 1;

/**
 * The template digest of an entry in one hash: over the template data; for the template `ima` over digest and name, the name filled up with
 * zeros to 256 bytes. It needs no knowledge of the fields.
 *
 * @param data as in ImaEntry
 * @see Linux, security/integrity/ima/ima_crypto.c
 */
export function templateDigest(template: string, data: Uint8Array, hash: HashFunction): Uint8Array {
  if (template !== IMA_TEMPLATE) return hash(data);
  const hashed = new Uint8Array(IMA_HASHED_BYTES);
  hashed.set(data);
  return hash(hashed);
}
