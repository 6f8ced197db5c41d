import { inspect } from 'node:util';

const SHOWN = '[secret]';

/**
 * Bytes that may be used and never shown: not by string conversion, JSON or inspection (F-77). Holds its own copy.
 * What `use` hands out must not be kept.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  /** @param bytes copied; the caller may overwrite its own */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice();
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Lends the bytes to one synchronous use. */
  use<T>(consume: (bytes: Uint8Array) => T): T {
    return consume(this.#bytes);
  }

  /** Overwrites the bytes with zeros. Copies that the runtime made cannot be reached. */
  destroy(): void {
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
