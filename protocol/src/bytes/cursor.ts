import { ProtocolError } from '../error.ts';

/**
 * Bounded big-endian reads over one input, never past its end; `end()` demands that nothing is left.
 * Byte strings are views on the input: copy what outlives it (F-48). They are plain Uint8Arrays even where the input is a Buffer, whose
 * slice() would not copy.
 *
 * @throws ProtocolError `tpm.truncated`, `tpm.trailing-bytes`, with the offset from the start of the outermost input
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;
  #at = 0;

  /** @param base offset of `bytes` in the outermost input, for error offsets */
  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = base;
  }

  /** Offset of the next byte in the outermost input. */
  get offset(): number {
    return this.#base + this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** TPM2B: u16 size, then that many bytes. */
  sized(): Uint8Array {
    return this.bytes(this.u16());
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new ProtocolError('tpm.trailing-bytes', this.offset);
  }

  #take(length: number): number {
    if (length > this.remaining) throw new ProtocolError('tpm.truncated', this.offset);
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
