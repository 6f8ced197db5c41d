import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { shownText } from '@mtm-attest/protocol';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';

/** Signature algorithms that are read, by their JOSE names (RFC 7518 section 3.1). */
export type SignatureAlgorithm = 'ES256' | 'ES384';

/** A public key, and the one algorithm that its curve allows: a message never chooses (F-68, RFC 8725 section 3.1). */
export interface PublicJwk {
  readonly key: KeyObject;
  readonly algorithm: SignatureAlgorithm;
}

const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  'EC P-256': 'ES256',
  'EC P-384': 'ES384',
};

const MAX_JWK_CHARACTERS = 65_536;

const jwkForm = v.object({
  kty: v.string(),
  crv: v.string(),
  x: v.string(),
  y: v.string(),
  alg: v.optional(v.string()),
});

/**
 * Reads a JWK: a point on P-256 or P-384.
 * @throws VerifierError `key.jwk`
 */
export function readPublicJwk(text: string): PublicJwk {
  const jwk = v.safeParse(jwkForm, parsed(text));
  if (!jwk.success) throw new VerifierError('key.jwk', v.getDotPath(jwk.issues[0]) ?? 'not a JSON object');
  const { kty, crv, x, y, alg } = jwk.output;
  const algorithm = ALGORITHMS[`${kty} ${crv}`];
  if (algorithm === undefined) throw new VerifierError('key.jwk', shownText(`${kty} ${crv}`));
  if (alg !== undefined && alg !== algorithm)
    throw new VerifierError('key.jwk', `alg is ${shownText(alg)}, not ${algorithm}`);
  return { key: imported({ kty, crv, x, y }), algorithm };
}

function imported(jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw new VerifierError('key.jwk', 'not a point of its curve', { cause });
  }
}

function parsed(text: string): unknown {
  if (text.length > MAX_JWK_CHARACTERS) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
