import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { nameOf, p256AkArea, p256Spki, primaryQualifiedName, TPM_RH, withLowS } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { Secret } from '../../secret.ts';

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
    return withLowS(new Uint8Array(sign('sha256', message, { key: this.#key, dsaEncoding: 'ieee-p1363' })));
  }

  /** SubjectPublicKeyInfo (DER), 91 bytes. */
  spki(): Uint8Array {
    return p256Spki(this.x, this.y);
  }

  /** TPMT_PUBLIC of this key as a restricted attestation key. */
  akPublic(): Uint8Array {
    return p256AkArea(this.x, this.y);
  }
}

/** Name and qualified Name of an AK that is a primary object of the endorsement hierarchy. */
export function akNames(akPublic: Uint8Array): { readonly name: Uint8Array; readonly qualifiedName: Uint8Array } {
  const name = nameOf(akPublic, nodeCrypto);
  return { name, qualifiedName: primaryQualifiedName(TPM_RH.ENDORSEMENT, name, nodeCrypto) };
}
