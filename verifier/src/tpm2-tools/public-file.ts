import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  decodePublicPem,
  equalBytes,
  keyOfSpki,
  ProtocolError,
  type Public,
  parsePublic,
  publicArea,
} from '@mtm-attest/protocol';

/** A key with no word about what it may sign. */
export type BareKey =
  | { readonly type: 'ecc'; readonly x: Uint8Array; readonly y: Uint8Array }
  | { readonly type: 'rsa'; readonly modulus: Uint8Array; readonly exponent: number };

/** `tpm2_readpublic -o` in the forms `tss` (TPM2B_PUBLIC), `tpmt` (TPMT_PUBLIC) and `pem`; a PEM key carries neither attributes nor a scheme. */
export type PublicFile =
  | {
      readonly form: 'tpm2b' | 'tpmt';
      readonly area: Public;
      /** TPMT_PUBLIC */
      readonly areaBytes: Uint8Array;
    }
  | { readonly form: 'pem'; readonly key: BareKey };

const DASH = 0x2d;

/**
 * @throws ProtocolError `file.pem`, `key.parameters` (a PEM key other than P-256 and RSA, or in another encoding than its canonical one),
 * `tpm.truncated`, `tpm.trailing-bytes`, `tpm.value`, with the offset
 */
export function readPublicFile(bytes: Uint8Array): PublicFile {
  if (bytes[0] === DASH) return { form: 'pem', key: bareKey(decodePublicPem(bytes)) };
  const areaBytes = publicArea(bytes);
  const base = bytes.length - areaBytes.length;
  return { form: base === 0 ? 'tpmt' : 'tpm2b', area: parsePublic(areaBytes, base), areaBytes };
}

function bareKey(spki: Uint8Array): BareKey {
  const key = importSpki(spki);
  if (key.asymmetricKeyType === 'rsa') return rsaKey(key);
  const material = keyOfSpki(spki);
  if (material.algorithm !== 'ecdsa-p256') throw new ProtocolError('key.parameters');
  return { type: 'ecc', x: material.x, y: material.y };
}

/** OpenSSL overlooks some liberties of an encoding, so what it read must be what it would write. */
function importSpki(spki: Uint8Array): KeyObject {
  let key: KeyObject;
  let again: Uint8Array;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    again = key.export({ format: 'der', type: 'spki' });
  } catch (cause) {
    throw new ProtocolError('key.parameters', undefined, { cause });
  }
  if (!equalBytes(again, spki)) throw new ProtocolError('key.parameters');
  return key;
}

function rsaKey(key: KeyObject): BareKey {
  const { n } = key.export({ format: 'jwk' });
  const exponent = key.asymmetricKeyDetails?.publicExponent ?? 0n;
  // An exponent that no number holds exactly is none that is allowed.
  return { type: 'rsa', modulus: new Uint8Array(Buffer.from(n ?? '', 'base64url')), exponent: Number(exponent) };
}
