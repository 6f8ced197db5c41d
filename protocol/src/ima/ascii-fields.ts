import { ProtocolError } from '../error.ts';
import { MAX_IMA_NAME_BYTES } from './entry.ts';
import { fieldForm, IMA_TEMPLATE, type ImaFieldId } from './template.ts';

const SPACE = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;
const U32 = 4;
const IMA_DIGEST_BYTES = 20;
/** Room for lengths, terminating NULs and numbers beside the bytes of a line. */
const ROOM = 256;

/** Lower-case hexadecimal digits by character code; -1 for any other. */
export const HEX_VALUES: Int8Array = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) HEX_VALUES[i.toString(16).charCodeAt(0)] = i;

/** Template data made from the fields of one line after the other, in one buffer. */
export class AsciiFields {
  #data = new Uint8Array(8192);
  #length = 0;

  /**
   * @param at the space behind the template's name
   * @param end the newline
   * @returns the template data; overwritten by the next reading
   * @throws ProtocolError `ima.malformed`
   */
  read(
    bytes: Uint8Array,
    at: number,
    end: number,
    template: string,
    ids: readonly ImaFieldId[],
    base: number,
  ): Uint8Array {
    // What a line says in hexadecimal or as text is never longer as bytes.
    if (end - at + ROOM > this.#data.length) this.#data = new Uint8Array(2 * (end - at) + ROOM);
    this.#length = 0;
    if (template === IMA_TEMPLATE) this.#imaFields(bytes, at, end, base);
    else this.#fields(bytes, at, end, ids, base);
    return this.#data.subarray(0, this.#length);
  }

  /** Each field behind one space, the last one up to the newline; an empty field keeps its space. */
  #fields(bytes: Uint8Array, start: number, end: number, ids: readonly ImaFieldId[], base: number): void {
    let at = start;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as ImaFieldId;
      if (at >= end || bytes[at] !== SPACE) throw new ProtocolError('ima.malformed', base + at);
      const from = at + 1;
      const next = i === ids.length - 1 ? end : bytes.indexOf(SPACE, from);
      if (next < 0 || next > end) throw new ProtocolError('ima.malformed', base + from);
      const lengthAt = this.#length;
      this.#length += U32;
      this.#field(id, bytes, from, next, base);
      this.#setU32(lengthAt, this.#length - lengthAt - U32);
      at = next;
    }
  }

  #field(id: ImaFieldId, bytes: Uint8Array, from: number, to: number, base: number): void {
    const form = fieldForm(id);
    // The kernel leaves a field empty where the event has none; a name is never absent.
    if (from === to && form !== 'name') return;
    switch (form) {
      case 'named-digest': {
        const colon = lastColon(bytes, from, to);
        if (colon <= from) throw new ProtocolError('ima.malformed', base + from);
        this.#text(bytes, from, colon + 1);
        this.#data[this.#length++] = 0;
        this.#hex(bytes, colon + 1, to, base);
        break;
      }
      case 'name':
      case 'names':
        this.#text(bytes, from, to);
        this.#data[this.#length++] = 0;
        break;
      case 'digest':
      case 'hex':
        this.#hex(bytes, from, to, base);
        break;
      case 'u16':
        this.#number(bytes, from, to, 2, base);
        break;
      case 'u32':
        this.#number(bytes, from, to, 4, base);
        break;
    }
  }

  #imaFields(bytes: Uint8Array, at: number, end: number, base: number): void {
    const nameAt = at + 1 + 2 * IMA_DIGEST_BYTES + 1;
    if (nameAt > end || bytes[nameAt - 1] !== SPACE || end - nameAt > MAX_IMA_NAME_BYTES)
      throw new ProtocolError('ima.malformed', base + at);
    this.#hex(bytes, at + 1, nameAt - 1, base);
    this.#text(bytes, nameAt, end);
  }

  #text(bytes: Uint8Array, from: number, to: number): void {
    const data = this.#data;
    let length = this.#length;
    for (let i = from; i < to; i++) data[length++] = bytes[i] as number;
    this.#length = length;
  }

  #hex(bytes: Uint8Array, from: number, to: number, base: number): void {
    if ((to - from) % 2 !== 0) throw new ProtocolError('ima.malformed', base + from);
    const data = this.#data;
    let length = this.#length;
    for (let i = from; i < to; i += 2) {
      const value = ((HEX_VALUES[bytes[i] as number] as number) << 4) | (HEX_VALUES[bytes[i + 1] as number] as number);
      if (value < 0) throw new ProtocolError('ima.malformed', base + i);
      data[length++] = value;
    }
    this.#length = length;
  }

  /** Decimal without leading zeros, written little-endian in `size` bytes. */
  #number(bytes: Uint8Array, from: number, to: number, size: number, base: number): void {
    let value = 0;
    for (let i = from; i < to; i++) {
      const digit = (bytes[i] ?? 0) - ZERO;
      value = 10 * value + digit;
      const leading = i === from && digit === 0 && to - from > 1;
      if (digit < 0 || digit > 9 || leading || value >= 256 ** size)
        throw new ProtocolError('ima.malformed', base + from);
    }
    this.#setU32(this.#length, value);
    this.#length += size;
  }

  #setU32(at: number, value: number): void {
    const data = this.#data;
    data[at] = value & 0xff;
    data[at + 1] = (value >>> 8) & 0xff;
    data[at + 2] = (value >>> 16) & 0xff;
    data[at + 3] = value >>> 24;
  }
}

function lastColon(bytes: Uint8Array, from: number, to: number): number {
  for (let i = to - 1; i >= from; i--) if (bytes[i] === COLON) return i;
  return -1;
}
