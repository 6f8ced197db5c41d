import {
  nameOf,
  nobleCrypto,
  p256AkArea,
  p256Spki,
  primaryQualifiedName,
  TPM_RH,
  utf8,
  writeSignature,
} from '@mtm-attest/protocol';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { bytes } from './bytes.ts';

export const sha256 = nobleCrypto.sha256;

const ED25519_SPKI = '302a300506032b6570032100';

/** A P-256 key whose secret is SHA-256 of its name, and which signs deterministically (RFC 6979). Secrets of vectors are public. */
export class EcdsaKey {
  readonly #secret: Uint8Array;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
  readonly spki: Uint8Array;

  constructor(name: string) {
    this.#secret = sha256(utf8(`mtm-attest vectors ${name}`));
    const point = p256.getPublicKey(this.#secret, false);
    [this.x, this.y] = [point.slice(1, 33), point.slice(33)];
    this.spki = p256Spki(this.x, this.y);
  }

  /** r and s over SHA-256, the low s. */
  sign(message: Uint8Array): Uint8Array {
    return p256.sign(message, this.#secret, { lowS: true });
  }
}

/** An Ed25519 key, made the same way; RFC 8032 is deterministic anyway. */
export class EddsaKey {
  readonly #secret: Uint8Array;
  readonly key: Uint8Array;
  readonly spki: Uint8Array;

  constructor(name: string) {
    this.#secret = sha256(utf8(`mtm-attest vectors ${name}`));
    this.key = ed25519.getPublicKey(this.#secret);
    this.spki = ed25519Spki(this.key);
  }

  sign(message: Uint8Array): Uint8Array {
    return ed25519.sign(message, this.#secret);
  }
}

export function ed25519Spki(key: Uint8Array): Uint8Array {
  return bytes(ED25519_SPKI, key);
}

/** An AK in the endorsement hierarchy, as a soft TrE has it. */
export class SoftAk extends EcdsaKey {
  /** TPMT_PUBLIC */
  readonly area: Uint8Array;
  readonly akName: Uint8Array;
  readonly qualifiedName: Uint8Array;

  constructor(name: string) {
    super(name);
    this.area = this.publicArea();
    this.akName = nameOf(this.area, nobleCrypto);
    this.qualifiedName = primaryQualifiedName(TPM_RH.ENDORSEMENT, this.akName, nobleCrypto);
  }

  publicArea(attributes?: number): Uint8Array {
    return p256AkArea(this.x, this.y, attributes);
  }

  /** TPMT_SIGNATURE over a TPMS_ATTEST */
  attestSignature(attest: Uint8Array): Uint8Array {
    return writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: this.sign(attest) });
  }
}

/** The order of P-256. */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other form of an ECDSA signature, n - s in place of s: valid under the same key. */
export function otherForm(signature: Uint8Array): Uint8Array {
  return bytes(signature.subarray(0, 32), scalar(P256_ORDER - integer(signature.subarray(32))));
}

export function integer(bigEndian: Uint8Array): bigint {
  return bigEndian.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** 32 bytes, big-endian */
export function scalar(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
}
