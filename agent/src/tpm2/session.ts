import { createCipheriv, createDecipheriv } from 'node:crypto';
import { equalBytes, kdfA, Writer } from '@mtm-attest/protocol';
import { nodeHmac } from '@mtm-attest/protocol/crypto/node';
import { Secret } from '../secret.ts';

const mac = nodeHmac('sha256');
const KEY_BITS = 128;
const BLOCK_BYTES = 16;
const DIGEST_BITS = 256;
const EMPTY = new Uint8Array();
const NO_SECRET = new Secret(EMPTY);

/** What a session is started with. */
export interface SessionStart {
  readonly kind: 'hmac' | 'policy';
  readonly handle: number;
  /** the shared salt, as long as a SHA-256 digest; a session without one hides and proves nothing */
  readonly salt: Secret | undefined;
  readonly nonceCaller: Uint8Array;
  readonly nonceTpm: Uint8Array;
}

/** A session with SHA-256, AES-128-CFB and rolling nonces (TPM 2.0 Library, Part 1, 19 and 21). */
export class Session {
  readonly kind: SessionStart['kind'];
  readonly handle: number;
  readonly salted: boolean;
  readonly #key: Secret;
  #nonceCaller: Uint8Array;
  #nonceTpm: Uint8Array;

  constructor({ kind, handle, salt, nonceCaller, nonceTpm }: SessionStart) {
    this.kind = kind;
    this.handle = handle;
    this.salted = salt !== undefined;
    this.#nonceCaller = nonceCaller;
    this.#nonceTpm = nonceTpm;
    this.#key =
      salt === undefined
        ? NO_SECRET
        : salt.use((bytes) => Secret.taking(kdfA(mac, bytes, 'ATH', nonceTpm, nonceCaller, DIGEST_BITS)));
  }

  get nonceCaller(): Uint8Array {
    return this.#nonceCaller;
  }

  get nonceTpm(): Uint8Array {
    return this.#nonceTpm;
  }

  /** A command begins. @param nonce fresh, 32 bytes */
  begin(nonce: Uint8Array): void {
    this.#nonceCaller = nonce;
  }

  /** A response came; its HMAC is judged over these nonces. */
  answered(nonceTpm: Uint8Array): void {
    this.#nonceTpm = nonceTpm;
  }

  /**
   * HMAC of a command or response.
   * @param authValue password of the entity that the session authorises
   * @param digest cpHash or rpHash @param nonces the newer one first @param others nonceTPM of the sessions that encrypt, in a first session
   * @returns nothing where there is no key at all: then the TPM wants and gives none
   */
  hmac(
    authValue: Secret | undefined,
    digest: Uint8Array,
    nonces: readonly [newer: Uint8Array, older: Uint8Array],
    others: readonly Uint8Array[],
    attributes: number,
  ): Uint8Array {
    return this.#withKey(this.kind === 'policy' ? undefined : authValue, (key) => {
      if (key.length === 0) return EMPTY;
      const message = new Writer(192).bytes(digest).bytes(nonces[0]).bytes(nonces[1]);
      for (const nonce of others) message.bytes(nonce);
      return mac(key, message.u8(attributes).done());
    });
  }

  /** Whether a response's HMAC holds. */
  proves(expected: Uint8Array, found: Uint8Array): boolean {
    return equalBytes(expected, found);
  }

  /** The first parameter of a command, without its size. */
  encrypt(authValue: Secret | undefined, bytes: Uint8Array): Uint8Array {
    return this.#cipher(authValue, this.#nonceCaller, this.#nonceTpm, (key, iv) =>
      createCipheriv('aes-128-cfb', key, iv).update(bytes),
    );
  }

  /** The first parameter of a response, without its size. */
  decrypt(authValue: Secret | undefined, bytes: Uint8Array): Uint8Array {
    return this.#cipher(authValue, this.#nonceTpm, this.#nonceCaller, (key, iv) =>
      createDecipheriv('aes-128-cfb', key, iv).update(bytes),
    );
  }

  end(): void {
    if (this.#key !== NO_SECRET) this.#key.destroy();
  }

  #cipher(
    authValue: Secret | undefined,
    newer: Uint8Array,
    older: Uint8Array,
    use: (key: Uint8Array, iv: Uint8Array) => Buffer,
  ): Uint8Array {
    return this.#withKey(authValue, (key) => {
      const derived = kdfA(mac, key, 'CFB', newer, older, KEY_BITS + 8 * BLOCK_BYTES);
      const text = use(derived.subarray(0, KEY_BITS / 8), derived.subarray(KEY_BITS / 8));
      derived.fill(0);
      return new Uint8Array(text);
    });
  }

  /** sessionValue: the session's key, and the password behind it. */
  #withKey<T>(authValue: Secret | undefined, use: (key: Uint8Array) => T): T {
    return this.#key.use((own) =>
      (authValue ?? NO_SECRET).use((password) => {
        const key = new Writer(own.length + password.length + 1).bytes(own).bytes(password);
        try {
          return use(key.written());
        } finally {
          key.written().fill(0);
        }
      }),
    );
  }
}
