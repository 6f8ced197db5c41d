import { ProtocolError } from '../error.ts';

/**
 * Bounded little-endian reads over the data of one event. Byte strings are views on it.
 * @throws ProtocolError `tcg-log.event-data` with the offset in the data
 */
export class EventData {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A length in bytes or a count, as u64. Beyond what is left it is refused where it is used. */
  size64(): number {
    return Number(this.u64());
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** EFI_GUID as text: three little-endian integers, then eight bytes (UEFI 2.10, appendix A). */
  guid(): string {
    const parts = [hex(this.u32(), 8), hex(this.u16(), 4), hex(this.u16(), 4)];
    const tail = Array.from(this.bytes(8), (byte) => hex(byte, 2)).join('');
    return [...parts, tail.slice(0, 4), tail.slice(4)].join('-');
  }

  /** UTF-16 up to its NUL, which is consumed. */
  utf16z(): string {
    let text = '';
    for (let unit = this.u16(); unit !== 0; unit = this.u16()) text += String.fromCharCode(unit);
    return text;
  }

  refuse(): never {
    throw new ProtocolError('tcg-log.event-data', this.#at);
  }

  end(): void {
    if (this.remaining > 0) this.refuse();
  }

  #take(length: number): number {
    if (!(length <= this.remaining)) this.refuse();
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
