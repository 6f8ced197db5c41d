import { createDecipheriv } from 'node:crypto';
import {
  Cursor,
  EK_ATTRIBUTES,
  equalBytes,
  fromHex,
  kdfA,
  kdfE,
  nameOf,
  type Public,
  TPM_ALG,
  utf8,
  Writer,
  writePublic,
} from '@mtm-attest/protocol';
import { nodeAgreement, nodeCrypto, nodeHmac } from '@mtm-attest/protocol/crypto/node';

const BASE = [
  fromHex('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
  fromHex('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
] as const;
const EMPTY = new Uint8Array();
const mac = nodeHmac('sha256');

/** An endorsement key in software, made from the P-256 template, and what a TPM does with it. */
export class TestEk {
  readonly #private: Uint8Array;
  readonly #x: Uint8Array;
  readonly public: Public;

  constructor(name: string) {
    this.#private = nodeCrypto.sha256(utf8(name));
    const { x, y } = nodeAgreement(...BASE, this.#private);
    this.#x = x;
    this.public = {
      nameAlg: TPM_ALG.SHA256,
      attributes: EK_ATTRIBUTES,
      authPolicy: fromHex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa'),
      parameters: {
        type: 'ecc',
        symmetric: { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB },
        scheme: { algorithm: TPM_ALG.NULL, hash: undefined },
        curve: 3,
        kdf: { algorithm: TPM_ALG.NULL, hash: undefined },
        x,
        y,
      },
    };
  }

  area(change: Partial<Public> = {}): Uint8Array {
    return writePublic({ ...this.public, ...change });
  }

  get name(): Uint8Array {
    return nameOf(this.area(), nodeCrypto);
  }

  /** TPM2_ActivateCredential for the key of this Name. @returns undefined where the integrity does not hold */
  open(credential: Uint8Array, encryptedSecret: Uint8Array, akName: Uint8Array): Uint8Array | undefined {
    const point = new Cursor(encryptedSecret);
    const [x, y] = [point.sized(), point.sized()];
    const { z } = nodeAgreement(x, y, this.#private);
    const seed = kdfE(nodeCrypto.sha256, z, 'IDENTITY', x, this.#x, 256);
    const object = new Cursor(credential);
    const integrity = object.sized();
    const identity = credential.subarray(2 + integrity.length);
    const expected = mac(
      kdfA(mac, seed, 'INTEGRITY', EMPTY, EMPTY, 256),
      new Writer(80).bytes(identity).bytes(akName).done(),
    );
    if (!equalBytes(expected, integrity)) return undefined;
    const key = kdfA(mac, seed, 'STORAGE', akName, EMPTY, 128);
    return new Cursor(
      new Uint8Array(createDecipheriv('aes-128-cfb', key, new Uint8Array(16)).update(identity)),
    ).sized();
  }
}
