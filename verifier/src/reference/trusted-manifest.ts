import {
  fromHex,
  type ManifestSignature,
  manifestMessage,
  parseManifest,
  parseSignedManifest,
  toHex,
} from '@mtm-attest/protocol';
import { VerifierError } from '../error.ts';
import type { VerifiedManifest } from '../store/references.ts';
import type { TrustedSigners } from './trusted-signers.ts';

/** Half the order of P-256, rounded down: the largest s of a signature in its one form. */
const P256_HALF_ORDER = fromHex('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8');

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
  if (algorithm !== 'ecdsa-p256') return true;
  return Buffer.compare(signature.subarray(32), P256_HALF_ORDER) <= 0;
}
