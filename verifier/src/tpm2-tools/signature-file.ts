import { Cursor, hashName, ProtocolError, parseSignature, type TpmSignature } from '@mtm-attest/protocol';

/** What the key says about the form of its signatures. */
export type SignedBy = { readonly type: 'ecc' } | { readonly type: 'rsa'; readonly modulusBytes: number };

/** `tpm2_quote -s` in the forms `tss` (TPMT_SIGNATURE) and `plain`: DER for ECDSA, the bare signature for RSA; r and s side by side are read too. */
export type SignatureFile =
  | { readonly form: 'tpmt'; readonly signature: TpmSignature }
  | {
      readonly form: 'plain';
      /** as in TpmSignature */
      readonly signature: Uint8Array;
    };

const SCALAR_BYTES = 32;
const DER_SEQUENCE = 0x30;
const DER_INTEGER = 0x02;
const ECDSA_MARK = 0x0018;
const RSA_MARKS: readonly number[] = [0x0014, 0x0016];

/**
 * The forms are told apart by size and first bytes: a plain signature is as long as its key says, or DER, and does not begin as a
 * TPMT_SIGNATURE of that size would.
 *
 * @param key undefined for a key of another type, which makes no plain signature
 * @throws ProtocolError `file.signature`, and what parseSignature refuses
 */
export function readSignatureFile(bytes: Uint8Array, key: SignedBy | undefined): SignatureFile {
  const plain = key && (key.type === 'rsa' ? plainRsa(bytes, key.modulusBytes) : plainEcdsa(bytes));
  return plain === undefined ? { form: 'tpmt', signature: parseSignature(bytes) } : { form: 'plain', signature: plain };
}

function plainRsa(bytes: Uint8Array, modulusBytes: number): Uint8Array | undefined {
  if (bytes.length !== modulusBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isCutOff = RSA_MARKS.includes(view.getUint16(0)) && view.getUint16(4) === modulusBytes;
  return isCutOff ? undefined : bytes;
}

/** A DER signature of just 64 bytes would need r and s with six leading zeros between them: those are r and s. */
function plainEcdsa(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== 2 * SCALAR_BYTES) return bytes[0] === DER_SEQUENCE ? scalarsOfDer(bytes) : undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isCutOff = view.getUint16(0) === ECDSA_MARK && hashName(view.getUint16(2)) !== undefined;
  return isCutOff ? undefined : bytes;
}

/** Ecdsa-Sig-Value (RFC 3279, 2.2.3) in DER: lengths of one byte, integers positive and in their shortest form, nothing behind. */
function scalarsOfDer(bytes: Uint8Array): Uint8Array {
  try {
    const cursor = new Cursor(bytes);
    demand(cursor.u8() === DER_SEQUENCE && cursor.u8() === cursor.remaining, 1);
    const both = new Uint8Array(2 * SCALAR_BYTES);
    for (const end of [SCALAR_BYTES, 2 * SCALAR_BYTES]) {
      const scalar = readInteger(cursor);
      both.set(scalar, end - scalar.length);
    }
    cursor.end();
    return both;
  } catch (cause) {
    if (cause instanceof ProtocolError && cause.code !== 'file.signature') {
      throw new ProtocolError('file.signature', cause.offset, { cause });
    }
    throw cause;
  }
}

/** @returns at most 32 bytes without leading zeros */
function readInteger(cursor: Cursor): Uint8Array {
  const at = cursor.offset;
  demand(cursor.u8() === DER_INTEGER, at);
  const integer = cursor.bytes(cursor.u8());
  const [first = 0x80, second = 0] = integer;
  demand(first < 0x80 && (first !== 0 || second >= 0x80), at);
  const scalar = first === 0 ? integer.subarray(1) : integer;
  demand(scalar.length <= SCALAR_BYTES, at);
  return scalar;
}

function demand(holds: boolean, offset: number): void {
  if (!holds) throw new ProtocolError('file.signature', offset);
}
