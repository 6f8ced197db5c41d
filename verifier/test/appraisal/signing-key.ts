import { createECDH, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { p256AkArea, p256Spki, utf8, type VerificationKey } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';

const COORDINATE_BYTES = 32;

/** A P-256 key that follows from its name, so that every run has the same keys. Its signatures are random. */
export class TestKey {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
  readonly #key: KeyObject;

  constructor(name: string) {
    const scalar = nodeCrypto.sha256(utf8(`key ${name}`));
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(scalar);
    const point = new Uint8Array(curve.getPublicKey());
    this.x = point.slice(1, 1 + COORDINATE_BYTES);
    this.y = point.slice(1 + COORDINATE_BYTES);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
    this.#key = createPrivateKey({
      key: { kty: 'EC', crv: 'P-256', d: text(scalar), x: text(this.x), y: text(this.y) },
      format: 'jwk',
    });
  }

  /** r and s over SHA-256 of the message, 64 bytes */
  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign('sha256', message, { key: this.#key, dsaEncoding: 'ieee-p1363' }));
  }

  /** SubjectPublicKeyInfo (DER), 91 bytes */
  spki(): Uint8Array {
    return p256Spki(this.x, this.y);
  }

  verification(): VerificationKey {
    return nodeCrypto.importKey({ algorithm: 'ecdsa-p256', hash: 'sha256', x: this.x, y: this.y });
  }

  /** TPMT_PUBLIC of this key as an attestation key */
  akPublic(attributes?: number): Uint8Array {
    return p256AkArea(this.x, this.y, attributes);
  }
}
