import { createHash } from 'node:crypto';
import type { PublicJwk } from '../ear/public-jwk.ts';
import { VerifierError } from '../error.ts';
import { type Corim, readCorim } from './corim.ts';
import { Item } from './item.ts';
import { readSignedCorim, type SignedHeader, verifySignature } from './signed-corim.ts';
import { checkValidity } from './validity.ts';

/** A document as read, and what is known of where it comes from. */
export interface ImportedCorim {
  readonly corim: Corim;
  /** SHA-256 of the file, hexadecimal */
  readonly digest: string;
  /** absent: the document is not signed; notChecked: no key was given */
  readonly signature: 'verified' | 'notChecked' | 'absent';
  readonly header: SignedHeader | undefined;
}

export interface CorimConditions {
  /** the one key that may have signed */
  readonly key?: PublicJwk | undefined;
  /** wall clock, milliseconds since 1970 */
  readonly at: number;
}

const MAX_BYTES = 1_048_576;
const CORIM_TAG = 501;
const COSE_SIGN1_TAG = 18;

/**
 * Reads an unsigned CoRIM (tag 501) or a signed one (COSE_Sign1, tag 18). With a key, the signature is verified before the payload is decoded, and
 * an unsigned document is refused.
 *
 * @param bytes at most 1 MiB
 * @throws VerifierError `corim.*`; the detail begins with the path into the document
 */
export function importCorim(bytes: Uint8Array, { key, at }: CorimConditions): ImportedCorim {
  if (bytes.length > MAX_BYTES) throw new VerifierError('corim.limit', `document: more than ${MAX_BYTES} bytes`);
  const document = new Item(bytes).embedded();
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (document.tag === COSE_SIGN1_TAG) return { ...openSigned(document.tagged(COSE_SIGN1_TAG), key, at), digest };
  if (document.tag !== CORIM_TAG) throw new VerifierError('corim.form', 'document');
  if (key !== undefined) throw new VerifierError('corim.signature', 'document: not signed; read it without a key');
  const corim = readCorim(document.tagged(CORIM_TAG));
  checkValidity(corim.validity, at, 'rim-validity');
  return { corim, digest, signature: 'absent', header: undefined };
}

function openSigned(item: Item, key: PublicJwk | undefined, at: number): Omit<ImportedCorim, 'digest'> {
  const signed = readSignedCorim(item);
  const { header, payload } = signed;
  if (key !== undefined) verifySignature(signed, key);
  const corim = readCorim(payload.embedded().tagged(CORIM_TAG));
  for (const validity of header.validities) checkValidity(validity, at, 'protected');
  checkValidity(corim.validity, at, 'payload.rim-validity');
  return { corim, signature: key === undefined ? 'notChecked' : 'verified', header };
}
