import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import { HASHES, type HashName, hashName, TPM_ECC_NIST_P256 } from './constants.ts';
import { type KdfLabel, kdfE } from './key-derivation.ts';
import type { Hashes } from './name.ts';
import type { EccParameters, Public, RsaParameters } from './public.ts';

/** An ephemeral P-256 point and what it shares with a key. Coordinates of 32 bytes. */
export interface Agreement {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
  /** x coordinate of the shared point */
  readonly z: Uint8Array;
}

/** What encrypting to a key of a TPM needs of a cryptographic library. */
export interface SecretCrypto {
  readonly hashes: Hashes;
  readonly random: (length: number) => Uint8Array;
  /** RSAES-OAEP with this hash in MGF1 too. @throws ProtocolError `key.parameters` */
  readonly oaep: (
    key: { readonly modulus: Uint8Array; readonly exponent: number },
    hash: HashName,
    label: Uint8Array,
    message: Uint8Array,
  ) => Uint8Array;
  /** One-pass ECDH on P-256. @throws ProtocolError `key.parameters` where the point is none of the curve */
  readonly agree: (x: Uint8Array, y: Uint8Array) => Agreement;
}

export interface EncryptedSecret {
  /** as long as the digest of the key's nameAlg; a secret */
  readonly seed: Uint8Array;
  /** content of TPM2B_ENCRYPTED_SECRET */
  readonly encrypted: Uint8Array;
}

const RSA_BYTES = 256;
const RSA_EXPONENT = 65537;
const COORDINATE_BYTES = 32;
const LABELS: Readonly<Record<'IDENTITY' | 'SECRET', Uint8Array>> = {
  IDENTITY: Uint8Array.of(0x49, 0x44, 0x45, 0x4e, 0x54, 0x49, 0x54, 0x59, 0),
  SECRET: Uint8Array.of(0x53, 0x45, 0x43, 0x52, 0x45, 0x54, 0),
};

/**
 * A fresh seed that only the TPM with this storage key can find (TPM 2.0 Library Part 1, B.10 and C.6).
 *
 * @param label IDENTITY for a credential, SECRET for the salt of a session
 * @throws ProtocolError `key.parameters` for anything but RSA 2048 with exponent 65537 and P-256, or a point that is none of the curve
 */
export function encryptSecret(key: Public, label: 'IDENTITY' | 'SECRET', crypto: SecretCrypto): EncryptedSecret {
  const hash = hashName(key.nameAlg);
  if (hash === undefined) throw new ProtocolError('key.parameters');
  const { parameters } = key;
  if (parameters.type === 'rsa') return toRsa(parameters, hash, label, crypto);
  if (parameters.type === 'ecc') return toEcc(parameters, hash, label, crypto);
  throw new ProtocolError('key.parameters');
}

function toRsa(
  { modulus, keyBits, exponent }: RsaParameters,
  hash: HashName,
  label: 'IDENTITY' | 'SECRET',
  crypto: SecretCrypto,
): EncryptedSecret {
  const topBitSet = ((modulus[0] ?? 0) & 0x80) !== 0;
  const odd = ((modulus.at(-1) ?? 0) & 1) === 1;
  const sized = modulus.length === RSA_BYTES && keyBits === 8 * RSA_BYTES;
  if (!sized || !topBitSet || !odd || (exponent !== 0 && exponent !== RSA_EXPONENT)) {
    throw new ProtocolError('key.parameters');
  }
  const seed = crypto.random(HASHES[hash].size);
  return { seed, encrypted: crypto.oaep({ modulus, exponent: RSA_EXPONENT }, hash, LABELS[label], seed) };
}

function toEcc({ curve, x, y }: EccParameters, hash: HashName, label: KdfLabel, crypto: SecretCrypto): EncryptedSecret {
  if (curve !== TPM_ECC_NIST_P256) throw new ProtocolError('key.parameters');
  const keyX = padded(x);
  const ephemeral = crypto.agree(keyX, padded(y));
  const seed = kdfE(crypto.hashes[hash], ephemeral.z, label, ephemeral.x, keyX, 8 * HASHES[hash].size);
  return { seed, encrypted: new Writer(80).sized(ephemeral.x).sized(ephemeral.y).done() };
}

/** A coordinate may have lost leading zeros; the derivation wants them. */
function padded(coordinate: Uint8Array): Uint8Array {
  if (coordinate.length > COORDINATE_BYTES) throw new ProtocolError('key.parameters');
  const bytes = new Uint8Array(COORDINATE_BYTES);
  bytes.set(coordinate, COORDINATE_BYTES - coordinate.length);
  return bytes;
}
