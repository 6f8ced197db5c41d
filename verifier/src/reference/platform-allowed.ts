import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  aggregatedPcrs,
  encodeCanonical,
  type FirmwareReference,
  type HashName,
  IMA_PCR,
  type ImaKey,
  type ImaReference,
  type KeyMaterial,
  type PlatformReference,
  toHex,
  utf8,
  writePlatform,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { latin1 } from '../appraisal/ima-facts.ts';
import type { FirmwareAllowed, ImaAllowed, PlatformAllowed } from '../appraisal/input.ts';
import { VerifierError } from '../error.ts';
import { firmwareKey } from './firmware-key.ts';

const HASHES: readonly HashName[] = ['sha256', 'sha384', 'sha512'];
const P256_POINT_BYTES = 65;
/** Those of the boot aggregate, and the one of the list. */
const IMA_PCRS: readonly number[] = [...aggregatedPcrs('sha256'), IMA_PCR];

/** The platform's Reference Values, ready for look-ups. @throws VerifierError `reference.key` */
export function platformAllowed({ firmware, ima }: PlatformReference): PlatformAllowed {
  const measured = new Set([...(firmware ?? []).map(({ pcr }) => pcr), ...(ima === undefined ? [] : IMA_PCRS)]);
  return {
    firmware: firmware === undefined ? undefined : firmwareAllowed(firmware),
    ima: ima === undefined ? undefined : imaAllowed(ima),
    pcrs: [...measured].sort((a, b) => a - b),
  };
}

function firmwareAllowed(references: readonly FirmwareReference[]): FirmwareAllowed {
  return new Map(references.map((one) => [firmwareKey(one.pcr, one.type, one.digest), one]));
}

function imaAllowed(ima: ImaReference): ImaAllowed {
  const { rule, files, keys, excludes, violations } = ima;
  return {
    id: toHex(nodeCrypto.sha256(encodeCanonical(writePlatform({ ima })))),
    rule,
    files: new Map(files.map(({ path, digests }) => [latin1(utf8(path)), new Set(digests.map(toHex))])),
    keys: keys.flatMap(imaKeysOf),
    excludes: excludes.map((prefix) => latin1(utf8(prefix))),
    violations,
  };
}

/** One key, once for each hash that it may have signed with. The key id is that of RFC 5280, 4.2.1.2, method 1, as kernels and evmctl take it. */
function imaKeysOf(spki: Uint8Array): readonly ImaKey[] {
  const key = publicKey(spki);
  const bits =
    key.asymmetricKeyType === 'rsa' ? key.export({ type: 'pkcs1', format: 'der' }) : spki.subarray(-P256_POINT_BYTES);
  const keyId = Buffer.from(nodeCrypto.sha1(new Uint8Array(bits))).readUInt32BE(16);
  return HASHES.map((hash) => ({ keyId, key: nodeCrypto.importKey(materialOf(key, hash)) }));
}

function publicKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new VerifierError('reference.key', 'a key of IMA signers', { cause });
  }
}

function materialOf(key: KeyObject, hash: HashName): KeyMaterial {
  const { crv, x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' });
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
  if (crv === 'P-256') return { algorithm: 'ecdsa-p256', hash, x: bytes(x), y: bytes(y) };
  if (key.asymmetricKeyType !== 'rsa') throw new VerifierError('reference.key', 'IMA signers have RSA or P-256 keys');
  const exponent = Number.parseInt(Buffer.from(bytes(e)).toString('hex'), 16);
  return { algorithm: 'rsassa', hash, modulus: bytes(n), exponent };
}
