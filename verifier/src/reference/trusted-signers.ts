import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type KeyMaterial,
  keyOfSpki,
  type ManifestAlgorithm,
  ProtocolError,
  toHex,
  type VerificationKey,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { VerifierError } from '../error.ts';

/** Someone whose signature on a manifest counts. */
export interface TrustedSigner {
  /** SHA-256 of the SubjectPublicKeyInfo, hexadecimal */
  readonly keyId: string;
  readonly algorithm: ManifestAlgorithm;
  readonly key: VerificationKey;
}

export interface TrustedSigners {
  /** by key id */
  readonly signers: ReadonlyMap<string, TrustedSigner>;
  /** how many different ones must have signed, at least 1 */
  readonly threshold: number;
}

/**
 * @param files PEM, SubjectPublicKeyInfo of Ed25519 or P-256 keys
 * @throws VerifierError `config.unreadable`, `reference.key`
 */
export function loadTrustedSigners(files: readonly string[], threshold: number): TrustedSigners {
  const signers = files.map((file) => readSigner(file));
  return { signers: new Map(signers.map((signer) => [signer.keyId, signer])), threshold };
}

function readSigner(file: string): TrustedSigner {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VerifierError('config.unreadable', file, { cause });
  }
  try {
    return signerOf(new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' })));
  } catch (cause) {
    if (cause instanceof VerifierError) throw cause;
    throw new VerifierError('reference.key', file, { cause });
  }
}

/** @param spki DER @throws VerifierError `reference.key` */
export function signerOf(spki: Uint8Array): TrustedSigner {
  try {
    const material = keyOfSpki(spki);
    return {
      keyId: toHex(nodeCrypto.sha256(spki)),
      algorithm: algorithmOf(material),
      key: nodeCrypto.importKey(material),
    };
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new VerifierError('reference.key', undefined, { cause });
    throw cause;
  }
}

function algorithmOf({ algorithm }: KeyMaterial): ManifestAlgorithm {
  if (algorithm === 'ed25519' || algorithm === 'ecdsa-p256') return algorithm;
  throw new VerifierError('reference.key');
}
