import { createPublicKey } from 'node:crypto';
import { type HashName, type ImaKey, type KeyMaterial, ProtocolError } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type BareKey, readPublicFile } from '../tpm2-tools/public-file.ts';

/** Hashes that a key given may sign with: all that are not broken. */
const HASHES: readonly HashName[] = ['sha256', 'sha384', 'sha512'];

/**
 * The keys that a file in PEM names, RSA or P-256, once for each hash.
 * @throws ProtocolError `file.pem`, `key.parameters`
 */
export function imaKeys(pem: Uint8Array): readonly ImaKey[] {
  const file = readPublicFile(pem);
  if (file.form !== 'pem') throw new ProtocolError('file.pem');
  const keyId = keyIdOf(file.key);
  return HASHES.map((hash) => ({ keyId, key: nodeCrypto.importKey(materialOf(file.key, hash)) }));
}

function materialOf(key: BareKey, hash: HashName): KeyMaterial {
  return key.type === 'ecc'
    ? { algorithm: 'ecdsa-p256', hash, x: key.x, y: key.y }
    : { algorithm: 'rsassa', hash, modulus: key.modulus, exponent: key.exponent };
}

/** Last four bytes of the subject key identifier: SHA-1 of the bits of the public key (RFC 5280, 4.2.1.2, method 1). */
function keyIdOf(key: BareKey): number {
  const bits = key.type === 'ecc' ? Uint8Array.from([4, ...key.x, ...key.y]) : rsaPublicKey(key);
  return new DataView(nodeCrypto.sha1(bits).buffer).getUint32(16);
}

/** RSAPublicKey (RFC 8017, A.1.1) in DER. */
function rsaPublicKey({ modulus, exponent }: Extract<BareKey, { type: 'rsa' }>): Uint8Array {
  const e = Buffer.from(exponent.toString(16).padStart(6, '0'), 'hex');
  const jwk = { kty: 'RSA', n: Buffer.from(modulus).toString('base64url'), e: e.toString('base64url') };
  return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs1', format: 'der' }));
}
