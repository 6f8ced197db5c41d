import { inspect } from 'node:util';

const SHOWN = '[secret]';

/**
 * Bytes that may be used and never shown: not by string conversion, JSON or inspection (F-77). Holds its own copy.
 * What `use` hands out must not be kept.
 */
export class Secret {
  readonly #bytes: Uint8Array;
  #destroyed = false;

  /** @param bytes copied; the caller may overwrite its own */
  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
  }

  /** A secret whose only copy is the new one: `bytes` are overwritten. */
  static taking(bytes: Uint8Array): Secret {
    const secret = new Secret(bytes);
    bytes.fill(0);
    return secret;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Lends the bytes to one synchronous use. */
  use<T>(consume: (bytes: Uint8Array) => T): T {
    if (this.#destroyed) throw new RangeError('the secret was destroyed');
    return consume(this.#bytes);
  }

  /** Overwrites the bytes with zeros. Copies that the runtime made cannot be reached. */
  destroy(): void {
    this.#destroyed = true;
    this.#bytes.fill(0);
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
