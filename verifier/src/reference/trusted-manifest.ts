import {
  isLowS,
  type ManifestSignature,
  manifestMessage,
  parseManifest,
  parseSignedManifest,
  toHex,
} from '@mtm-attest/protocol';
import { VerifierError } from '../error.ts';
import type { VerifiedManifest } from '../store/references.ts';
import type { TrustedSigners } from './trusted-signers.ts';

/**
 * Verifies over the bytes as received, then decodes those very bytes (F-32).
 *
 * @throws VerifierError `reference.signature` where fewer different trusted keys signed than the threshold says
 * @throws ProtocolError `msgpack.*`, `manifest.malformed`
 */
export function verifyManifest(body: Uint8Array, { signers, threshold }: TrustedSigners): VerifiedManifest {
  const { payload, signatures } = parseSignedManifest(body);
  const message = manifestMessage(payload);
  const counted = new Set<string>();
  for (const { keyId, algorithm, signature } of signatures) {
    const id = toHex(keyId);
    const signer = signers.get(id);
    if (signer?.algorithm !== algorithm || !hasOneForm({ keyId, algorithm, signature })) continue;
    if (signer.key.verify(message, signature)) counted.add(id);
  }
  if (counted.size < Math.max(1, threshold)) {
    throw new VerifierError('reference.signature', `${counted.size} of ${Math.max(1, threshold)}`);
  }
  return { manifest: parseManifest(payload), body };
}

/** An ECDSA signature has a second form with the opposite s; manifests carry the low one only (SPEC.md 8.2). */
function hasOneForm({ algorithm, signature }: ManifestSignature): boolean {
  return algorithm !== 'ecdsa-p256' || isLowS(signature);
}
