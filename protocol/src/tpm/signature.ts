import { Cursor } from '../bytes/cursor.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import { HASHES, type HashName, hashName, TPM_ALG } from './constants.ts';

export type SignatureScheme = 'ecdsa' | 'rsassa' | 'rsapss';

/** TPMT_SIGNATURE (Part 2, 11.3.4). */
export interface TpmSignature {
  readonly scheme: SignatureScheme;
  readonly hash: HashName;
  /** ECDSA: r and s, left-padded to 32 bytes each; RSA: the signature as it stands */
  readonly signature: Uint8Array;
}

const SCHEMES: Readonly<Record<SignatureScheme, number>> = {
  ecdsa: TPM_ALG.ECDSA,
  rsassa: TPM_ALG.RSASSA,
  rsapss: TPM_ALG.RSAPSS,
};

const SCALAR_BYTES = 32;

/**
 * Exactly one TPMT_SIGNATURE. r and s may be shorter than 32 bytes, never longer, never zero (F-62).
 * @throws ProtocolError `tpm.truncated`, `tpm.trailing-bytes`, `tpm.value`, `signature.algorithm`, with the offset
 */
export function parseSignature(bytes: Uint8Array): TpmSignature {
  const cursor = new Cursor(bytes);
  const algorithm = cursor.u16();
  const scheme = (Object.keys(SCHEMES) as SignatureScheme[]).find((name) => SCHEMES[name] === algorithm);
  if (scheme === undefined) throw new ProtocolError('signature.algorithm', 0);
  const hash = hashName(cursor.u16());
  if (hash === undefined) throw new ProtocolError('signature.algorithm', 2);
  const signature = scheme === 'ecdsa' ? readScalars(cursor) : readRsa(cursor);
  cursor.end();
  return { scheme, hash, signature };
}

function readScalars(cursor: Cursor): Uint8Array {
  const both = new Uint8Array(2 * SCALAR_BYTES);
  for (const end of [SCALAR_BYTES, 2 * SCALAR_BYTES]) {
    const at = cursor.offset;
    const scalar = cursor.sized();
    if (scalar.length > SCALAR_BYTES || scalar.every((byte) => byte === 0)) throw new ProtocolError('tpm.value', at);
    both.set(scalar, end - scalar.length);
  }
  return both;
}

function readRsa(cursor: Cursor): Uint8Array {
  const at = cursor.offset;
  const signature = cursor.sized();
  if (signature.length === 0) throw new ProtocolError('tpm.value', at);
  return signature;
}

/** TPMT_SIGNATURE with r and s of 32 bytes each. */
export function writeSignature({ scheme, hash, signature }: TpmSignature): Uint8Array {
  const writer = new Writer(96).u16(SCHEMES[scheme]).u16(HASHES[hash].algorithm);
  if (scheme !== 'ecdsa') return writer.sized(signature).done();
  return writer.sized(signature.subarray(0, SCALAR_BYTES)).sized(signature.subarray(SCALAR_BYTES)).done();
}
