import type { KeyMaterial } from '../crypto/signature-verifier.ts';
import { ProtocolError } from '../error.ts';
import { AK_ATTRIBUTES, hashName, NO_DA, TPM_ALG, TPM_ECC_NIST_P256 } from '../tpm/constants.ts';
import { type EccParameters, type Public, type RsaParameters, writePublic } from '../tpm/public.ts';

export interface AkRules {
  /** also takes a key that is not subject to dictionary attack protection */
  readonly allowNoDa?: boolean;
}

/**
 * The key of an attestation key's public area, which must be a restricted signing key and nothing else: only such a key proves that a TPM
 * made what it signs (F-09, F-10).
 *
 * @returns the key with the one scheme of its public area
 * @throws ProtocolError `key.attributes` (not exactly 0x00050072, but for noDA where it is allowed), `key.parameters` (a nameAlg other than
 * SHA-256, SHA-384 and SHA-512, or anything but ECC P-256 with ECDSA and SHA-256, or RSA with RSASSA or RSAPSS; the size, the exponent and the
 * hash of an RSA key are judged where it is imported)
 * @see TPM 2.0 Library, Part 1, 25; SPEC.md 5.4
 */
export function attestationKey(area: Public, rules: AkRules = {}): KeyMaterial {
  const attributes = rules.allowNoDa === true ? (area.attributes & ~NO_DA) >>> 0 : area.attributes;
  if (attributes !== AK_ATTRIBUTES) throw new ProtocolError('key.attributes');
  const nameAlg = hashName(area.nameAlg);
  if (nameAlg === undefined || nameAlg === 'sha1') throw new ProtocolError('key.parameters');
  const { parameters } = area;
  const key =
    parameters.type === 'ecc' ? eccKey(parameters) : parameters.type === 'rsa' ? rsaKey(parameters) : undefined;
  if (key === undefined) throw new ProtocolError('key.parameters');
  return key;
}

/**
 * The public area of a P-256 attestation key as `attestationKey` takes it: ECDSA with SHA-256, nameAlg SHA-256, no policy.
 *
 * @param x 32 bytes @param y 32 bytes
 * @param attributes TPMA_OBJECT; others than those of an attestation key make an area that is refused
 * @returns TPMT_PUBLIC, 88 bytes
 */
export function p256AkArea(x: Uint8Array, y: Uint8Array, attributes: number = AK_ATTRIBUTES): Uint8Array {
  return writePublic({
    nameAlg: TPM_ALG.SHA256,
    attributes,
    authPolicy: new Uint8Array(),
    parameters: {
      type: 'ecc',
      symmetric: undefined,
      scheme: { algorithm: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256 },
      curve: TPM_ECC_NIST_P256,
      kdf: { algorithm: TPM_ALG.NULL, hash: undefined },
      x,
      y,
    },
  });
}

function eccKey({ symmetric, scheme, curve, kdf, x, y }: EccParameters): KeyMaterial | undefined {
  if (symmetric !== undefined || kdf.algorithm !== TPM_ALG.NULL || curve !== TPM_ECC_NIST_P256) return undefined;
  if (scheme.algorithm !== TPM_ALG.ECDSA || scheme.hash !== TPM_ALG.SHA256) return undefined;
  return { algorithm: 'ecdsa-p256', hash: 'sha256', x: coordinate(x), y: coordinate(y) };
}

/** A coordinate may have lost leading zeros. */
function coordinate(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 32) throw new ProtocolError('key.parameters');
  const padded = new Uint8Array(32);
  padded.set(bytes, 32 - bytes.length);
  return padded;
}

function rsaKey({ symmetric, scheme, keyBits, exponent, modulus }: RsaParameters): KeyMaterial | undefined {
  const algorithm =
    scheme.algorithm === TPM_ALG.RSASSA ? 'rsassa' : scheme.algorithm === TPM_ALG.RSAPSS ? 'rsapss' : undefined;
  const hash = scheme.hash === undefined ? undefined : hashName(scheme.hash);
  if (symmetric !== undefined || algorithm === undefined || hash === undefined) return undefined;
  if (modulus.length * 8 !== keyBits) return undefined;
  return { algorithm, hash, modulus: Uint8Array.from(modulus), exponent: exponent === 0 ? 65537 : exponent };
}
