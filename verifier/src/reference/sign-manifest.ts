import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  encodeManifest,
  encodeSignedManifest,
  type Manifest,
  type ManifestSignature,
  manifestMessage,
  parseManifest,
  withLowS,
} from '@mtm-attest/protocol';
import { VerifierError } from '../error.ts';

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
