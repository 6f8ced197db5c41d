import { hashName, parseSignature, scalarsOfDer, type TpmSignature } from '@mtm-attest/protocol';

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
