import { Cursor } from '../bytes/cursor.ts';
import { scalarsOfDer } from '../crypto/ecdsa-der.ts';
import type { VerificationKey } from '../crypto/signature-verifier.ts';
import { ProtocolError } from '../error.ts';
import type { FileMeasurement } from './file-measurement.ts';

/** A file signature as it stands in the field `sig`. */
export interface ImaSignature {
  /** the kernel's name of the hash that was signed; undefined for a number that no kernel gave yet */
  readonly hash: string | undefined;
  /** last four bytes of the signer's subject key identifier */
  readonly keyId: number;
  /** RSA: as long as the modulus; ECDSA: DER */
  readonly signature: Uint8Array;
}

/** EVM_IMA_XATTR_DIGSIG: a signature over the file's digest. */
const TYPE = 3;
const VERSION = 2;

/** Hashes by their numbers in signatures (Linux, include/uapi/linux/hash_info.h). */
const HASH_NAMES = [
  ...['md4', 'md5', 'sha1', 'rmd160', 'sha256', 'sha384', 'sha512', 'sha224', 'rmd128', 'rmd256', 'rmd320'],
  ...['wp256', 'wp384', 'wp512', 'tgr128', 'tgr160', 'tgr192', 'sm3', 'streebog256', 'streebog512'],
];

/**
 * Reads a signature of version 2: type, version, hash (one byte each), key id (u32) and length (u16) big-endian, signature.
 * @throws ProtocolError `ima.signature` with the offset, for another type or version or where the length is not exact
 * @see Linux, security/integrity/integrity.h, signature_v2_hdr
 */
export function parseImaSignature(bytes: Uint8Array): ImaSignature {
  try {
    const cursor = new Cursor(bytes);
    if (cursor.u8() !== TYPE) throw new ProtocolError('ima.signature', 0);
    if (cursor.u8() !== VERSION) throw new ProtocolError('ima.signature', 1);
    const hash = HASH_NAMES[cursor.u8()];
    const keyId = cursor.u32();
    const signature = cursor.sized();
    cursor.end();
    return { hash, keyId, signature };
  } catch (cause) {
    if (!(cause instanceof ProtocolError) || cause.code === 'ima.signature') throw cause;
    throw new ProtocolError('ima.signature', cause.offset, { cause });
  }
}

/** A key that may sign files. */
export interface ImaKey {
  /** last four bytes of its subject key identifier */
  readonly keyId: number;
  readonly key: VerificationKey;
}

/** Who signed a file: nobody; a key given; one that was not given; or the signature does not hold, with the reason. */
export type ImaSigner =
  | { readonly status: 'unsigned' }
  | { readonly status: 'signed'; readonly keyId: number }
  | { readonly status: 'unknown-key'; readonly keyId: number }
  | { readonly status: 'bad'; readonly reason: 'form' | 'hash' | 'signature'; readonly keyId?: number };

/**
 * Holds the signature of a measured file against the keys given. What was signed is the file's digest; its hash is the one of the key, never
 * the one that the signature names (F-17). A digest of fsverity is signed in another way and counts as `bad`.
 */
export function imaSigner({ digest, signature }: FileMeasurement, keys: readonly ImaKey[]): ImaSigner {
  if (signature === undefined || signature.length === 0) return { status: 'unsigned' };
  const parsed = unlessMalformed(parseImaSignature, signature);
  if (parsed === undefined) return { status: 'bad', reason: 'form' };
  const { keyId } = parsed;
  const candidates = keys.filter((one) => one.keyId === keyId).map(({ key }) => key);
  if (candidates.length === 0) return { status: 'unknown-key', keyId };
  const named = parsed.hash === digest.algorithm && (digest.type ?? 'ima') === 'ima';
  const fitting = named ? candidates.filter((key) => hashOf(key) === digest.algorithm) : [];
  if (fitting.length === 0) return { status: 'bad', reason: 'hash', keyId };
  return fitting.some((key) => holds(key, digest.digest, parsed.signature))
    ? { status: 'signed', keyId }
    : { status: 'bad', reason: 'signature', keyId };
}

function unlessMalformed<T>(parse: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function hashOf({ material }: VerificationKey): string | undefined {
  return material.algorithm === 'rsassa' || material.algorithm === 'ecdsa-p256' ? material.hash : undefined;
}

function holds(key: VerificationKey, digest: Uint8Array, signature: Uint8Array): boolean {
  if (key.material.algorithm !== 'ecdsa-p256') return key.verifyDigest(digest, signature);
  const scalars = unlessMalformed(scalarsOfDer, signature);
  return scalars !== undefined && key.verifyDigest(digest, scalars);
}
