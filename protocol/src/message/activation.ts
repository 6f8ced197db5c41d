import { utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';

const LABEL = utf8('mtm-attest/v1 activation\0');

/**
 * What a terminal says in place of the secret that it found in a credential: a TrE that opens credentials gives no plaintext away (F-11).
 *
 * @param secret the content of the credential
 * @returns 32 bytes, for `Claims.activation`
 * @see SPEC.md 6.5
 */
export function activationProof(secret: Uint8Array, sha256: HashFunction): Uint8Array {
  return sha256(new Writer(64).bytes(LABEL).bytes(secret).done());
}
