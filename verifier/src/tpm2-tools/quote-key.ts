import { type AkRules, attestationKey, type HashName, type KeyMaterial, ProtocolError } from '@mtm-attest/protocol';
import { VerifierError } from '../error.ts';
import type { BareKey, PublicFile } from './public-file.ts';
import type { SignatureFile } from './signature-file.ts';

/** What the operator says about the signature; where the key or the signature say it too, they must say the same. */
export interface StatedAlgorithm {
  readonly hash?: HashName;
  readonly scheme?: 'rsassa' | 'rsapss';
}

/** A key with the one scheme that its quote may be signed by. */
export type QuoteKey = Exclude<KeyMaterial, { readonly algorithm: 'ed25519' }>;

/**
 * The scheme comes from the public area. A PEM key has none: P-256 goes with SHA-256, and for RSA it is what the operator states, or else what
 * the signature says, which proves no more than that such a scheme is allowed.
 *
 * @throws ProtocolError `key.attributes`, `key.parameters`, `signature.algorithm`
 * @throws VerifierError `option.signature-form` where nothing says the scheme
 */
export function quoteKey(
  file: PublicFile,
  signature: SignatureFile,
  stated: StatedAlgorithm,
  rules: AkRules,
): QuoteKey {
  const key = file.form === 'pem' ? schemed(file.key, signature, stated) : attestationKey(file.area, rules);
  if (key.algorithm === 'ed25519') throw new ProtocolError('key.parameters');
  const { hash = key.hash, scheme = key.algorithm } = stated;
  if (hash !== key.hash || scheme !== key.algorithm) throw new ProtocolError('signature.algorithm');
  return key;
}

function schemed(key: BareKey, signature: SignatureFile, stated: StatedAlgorithm): KeyMaterial {
  if (key.type === 'ecc') return { algorithm: 'ecdsa-p256', hash: 'sha256', x: key.x, y: key.y };
  const said = signature.form === 'tpmt' ? signature.signature : undefined;
  const scheme = stated.scheme ?? said?.scheme;
  const hash = stated.hash ?? said?.hash;
  if (scheme === undefined || hash === undefined) throw new VerifierError('option.signature-form');
  if (scheme === 'ecdsa' || hash === 'sha1') throw new ProtocolError('signature.algorithm', 0);
  return { algorithm: scheme, hash, modulus: key.modulus, exponent: key.exponent };
}
