import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  encodeManifest,
  encodeSignedManifest,
  type Manifest,
  type ManifestSignature,
  manifestMessage,
  parseManifest,
} from '@mtm-attest/protocol';
import { VerifierError } from '../error.ts';

/** Order of P-256. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * @param keys private keys, Ed25519 or P-256; each signs once
 * @returns the signed manifest's bytes
 * @throws VerifierError `reference.key`
 * @throws ProtocolError `manifest.malformed` where nobody could read it again
 */
export function signManifest(manifest: Manifest, keys: readonly KeyObject[]): Uint8Array {
  const payload = encodeManifest(manifest);
  parseManifest(payload);
  const message = manifestMessage(payload);
  return encodeSignedManifest({ payload, signatures: keys.map((key) => signatureBy(key, message)) });
}

function signatureBy(key: KeyObject, message: Uint8Array): ManifestSignature {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const keyId = new Uint8Array(createHash('sha256').update(spki).digest());
  if (key.asymmetricKeyType === 'ed25519') {
    return { keyId, algorithm: 'ed25519', signature: new Uint8Array(sign(null, message, key)) };
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new VerifierError('reference.key');
  }
  const signature = new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
  return { keyId, algorithm: 'ecdsa-p256', signature: withLowS(signature) };
}

/** Of the two forms of an ECDSA signature, the one with the smaller s. @param signature r and s, 32 bytes each */
function withLowS(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  if (2n * s <= P256_ORDER) return signature;
  const low = (P256_ORDER - s).toString(16).padStart(64, '0');
  return new Uint8Array([...signature.subarray(0, 32), ...Buffer.from(low, 'hex')]);
}
