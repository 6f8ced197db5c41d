import type { HashName } from '../tpm/constants.ts';
import type { HashFunction } from './hash.ts';

/** A public key with the one algorithm it is used for: never taken from a message (F-17, F-68). */
export type KeyMaterial =
  | {
      readonly algorithm: 'ecdsa-p256';
      readonly hash: HashName;
      /** 32 bytes each */
      readonly x: Uint8Array;
      readonly y: Uint8Array;
    }
  | {
      readonly algorithm: 'rsassa' | 'rsapss';
      readonly hash: HashName;
      readonly modulus: Uint8Array;
      readonly exponent: number;
    }
  | {
      readonly algorithm: 'ed25519';
      /** 32 bytes */
      readonly key: Uint8Array;
    };

/** A key imported once; verification allocates no key. */
export interface VerificationKey {
  readonly material: KeyMaterial;
  /**
   * @param signature ECDSA: r and s, 32 bytes each, a high s accepted; RSA: as long as the modulus; Ed25519: 64 bytes
   * @returns false for whatever does not verify, of whatever length
   */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * The same where only the message's digest is known: ECDSA and RSASSA (PKCS #1 v1.5); false for any other algorithm.
   * @param digest as long as the key's hash makes it
   */
  verifyDigest(digest: Uint8Array, signature: Uint8Array): boolean;
}

/** One implementation of the primitives; all of them decide alike on every input (F-65). */
export interface CryptoSuite extends Readonly<Record<HashName, HashFunction>> {
  readonly name: 'node' | 'noble';
  /** Algorithms that importKey takes. */
  readonly algorithms: readonly KeyMaterial['algorithm'][];
  /**
   * @throws ProtocolError `key.parameters` for a point that is not on the curve, an RSA modulus under 2048 bits or an exponent other than
   * 65537 (F-10), an Ed25519 key of small order or in a non-canonical encoding (F-63, F-64), or an algorithm that the suite lacks
   */
  importKey(material: KeyMaterial): VerificationKey;
}
