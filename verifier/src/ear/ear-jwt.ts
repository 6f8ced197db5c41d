import { createPublicKey, type KeyObject } from 'node:crypto';
import { CompactSign, calculateJwkThumbprint, compactVerify, errors } from 'jose';
import { VerifierError } from '../error.ts';
import type { PublicJwk } from './public-jwk.ts';

/**
 * Signs claims as a JWT with ES256; `kid` is the key's thumbprint (RFC 7638).
 * @param key a private key on P-256
 */
export async function signEar(claims: Readonly<Record<string, unknown>>, key: KeyObject): Promise<string> {
  const kid = await calculateJwkThumbprint(createPublicKey(key).export({ format: 'jwk' }));
  return await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
    .sign(key);
}

const SEGMENT = /^[\w-]*$/;

/**
 * The bytes of the claims of a signed EAR. The algorithm is the key's, never the header's; exactly three segments, each in the one base64url form.
 * @throws VerifierError `ear.form`, `ear.algorithm`, `ear.signature`
 */
export async function verifyEar(jwt: string, { key, algorithm }: PublicJwk): Promise<Uint8Array> {
  const claims = unverifiedClaims(jwt);
  try {
    await compactVerify(jwt, key, { algorithms: [algorithm] });
  } catch (cause) {
    throw refusal(cause, algorithm);
  }
  return claims;
}

/**
 * The bytes of the claims as they stand, nothing verified.
 * @throws VerifierError `ear.form`
 */
export function unverifiedClaims(jwt: string): Uint8Array {
  const segments = jwt.split('.', 5);
  if (segments.length !== 3) throw new VerifierError('ear.form', `${segments.length} segments instead of 3`);
  const [, claims] = segments.map(fromBase64url);
  return claims ?? new Uint8Array();
}

function fromBase64url(segment: string): Uint8Array {
  const bytes = Buffer.from(segment, 'base64url');
  if (!SEGMENT.test(segment) || bytes.toString('base64url') !== segment) {
    throw new VerifierError('ear.form', 'a segment is not base64url');
  }
  return bytes;
}

function refusal(cause: unknown, algorithm: string): VerifierError {
  if (cause instanceof errors.JOSEAlgNotAllowed) {
    return new VerifierError('ear.algorithm', `the key signs with ${algorithm}`, { cause });
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed)
    return new VerifierError('ear.signature', undefined, { cause });
  return new VerifierError('ear.form', cause instanceof errors.JOSEError ? cause.code : undefined, { cause });
}
