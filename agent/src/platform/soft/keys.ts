import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  AK_ATTRIBUTES,
  nameOf,
  p256Spki,
  primaryQualifiedName,
  TPM_ALG,
  TPM_ECC_NIST_P256,
  TPM_RH,
  writePublic,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { Secret } from '../../secret.ts';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SCALAR_BYTES = 32;

/** A fresh P-256 private key, as PKCS #8 (DER) for the state file. */
export function newPrivateKey(): Secret {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return Secret.taking(privateKey.export({ type: 'pkcs8', format: 'der' }));
}

/** A P-256 key of the TrE, imported once. It signs; nothing here gives it away. */
export class SigningKey {
  readonly #key: KeyObject;
  readonly x: Uint8Array;
  readonly y: Uint8Array;

  constructor(pkcs8: Secret) {
    this.#key = pkcs8.use((bytes) =>
      createPrivateKey({
        key: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        format: 'der',
        type: 'pkcs8',
      }),
    );
    const { x, y } = createPublicKey(this.#key).export({ format: 'jwk' });
    this.x = new Uint8Array(Buffer.from(x ?? '', 'base64url'));
    this.y = new Uint8Array(Buffer.from(y ?? '', 'base64url'));
  }

  /** ECDSA with SHA-256 over the message: r and s, 64 bytes, s in the lower half (F-61). */
  sign(message: Uint8Array): Uint8Array {
    const signature = new Uint8Array(sign('sha256', message, { key: this.#key, dsaEncoding: 'ieee-p1363' }));
    const s = BigInt(`0x${Buffer.from(signature.subarray(SCALAR_BYTES)).toString('hex')}`);
    if (s > ORDER / 2n) {
      const low = (ORDER - s).toString(16).padStart(2 * SCALAR_BYTES, '0');
      signature.set(Buffer.from(low, 'hex'), SCALAR_BYTES);
    }
    return signature;
  }

  /** SubjectPublicKeyInfo (DER), 91 bytes. */
  spki(): Uint8Array {
    return p256Spki(this.x, this.y);
  }

  /** TPMT_PUBLIC of this key as a restricted attestation key. */
  akPublic(): Uint8Array {
    return writePublic({
      nameAlg: TPM_ALG.SHA256,
      attributes: AK_ATTRIBUTES,
      authPolicy: new Uint8Array(),
      parameters: {
        type: 'ecc',
        symmetric: undefined,
        scheme: { algorithm: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256 },
        curve: TPM_ECC_NIST_P256,
        kdf: { algorithm: TPM_ALG.NULL, hash: undefined },
        x: this.x,
        y: this.y,
      },
    });
  }
}

/** Name and qualified Name of an AK that is a primary object of the endorsement hierarchy. */
export function akNames(akPublic: Uint8Array): { readonly name: Uint8Array; readonly qualifiedName: Uint8Array } {
  const name = nameOf(akPublic, nodeCrypto);
  return { name, qualifiedName: primaryQualifiedName(TPM_RH.ENDORSEMENT, name, nodeCrypto) };
}
