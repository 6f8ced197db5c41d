import { utf8 } from '../bytes/text.ts';
import type { MsgpackValue } from './codec.ts';
import { MAX_DEPTH } from './strict.ts';

const INITIAL_BYTES = 256;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Writes the shortest form of everything, map keys in ascending byte order: the only form the strict walk accepts. */
export class Writer {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #depth = 0;

  value(value: MsgpackValue): this {
    if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'string') this.#text(value);
    else if (value instanceof Uint8Array) this.#bin(value);
    else if (isArray(value)) this.#array(value);
    else this.#map(value);
    return this;
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not an unsigned safe integer');
    if (value > 0xffffffff) this.#u64(BigInt(value));
    else this.#u32(value, 0xcc, 0x80);
  }

  #bigint(value: bigint): void {
    if (value < 0n || value > 0xffffffffffffffffn) throw new RangeError('not a u64');
    if (value > 0xffffffffn) this.#u64(value);
    else this.#u32(Number(value), 0xcc, 0x80);
  }

  #u64(value: bigint): void {
    const at = this.#grow(9);
    this.#bytes[at] = 0xcf;
    this.#view.setBigUint64(at + 1, value);
  }

  /** `small` values as one byte, the rest behind `type`, `type` + 1 or `type` + 2. */
  #u32(value: number, type: number, small: number): void {
    if (value < small) this.#byte(value);
    else this.#header(value, type);
  }

  #header(value: number, type: number): void {
    const width = value <= 0xff ? 1 : value <= 0xffff ? 2 : 4;
    const at = this.#grow(1 + width);
    this.#bytes[at] = width === 1 ? type : width === 2 ? type + 1 : type + 2;
    if (width === 1) this.#view.setUint8(at + 1, value);
    else if (width === 2) this.#view.setUint16(at + 1, value);
    else this.#view.setUint32(at + 1, value);
  }

  #text(value: string): void {
    if (value.includes('\0') || LONE_SURROGATE.test(value)) throw new RangeError('text that is not strict UTF-8');
    const encoded = utf8(value);
    if (encoded.length < 0x20) this.#byte(0xa0 | encoded.length);
    else this.#header(encoded.length, 0xd9);
    this.#raw(encoded);
  }

  #bin(value: Uint8Array): void {
    this.#header(value.length, 0xc4);
    this.#raw(value);
  }

  #array(value: readonly MsgpackValue[]): void {
    this.#container(value.length, 0x90, 0xdc);
    for (const item of value) this.value(item);
    this.#depth -= 1;
  }

  #map(value: { readonly [key: string]: MsgpackValue }): void {
    const entries = Object.entries(value).map(([key, item]) => [key, utf8(key), item] as const);
    entries.sort(([, a], [, b]) => compare(a, b));
    this.#container(entries.length, 0x80, 0xde);
    for (const [key, , item] of entries) {
      this.#text(key);
      this.value(item);
    }
    this.#depth -= 1;
  }

  #container(count: number, small: number, large: number): void {
    if (this.#depth === MAX_DEPTH) throw new RangeError('nested too deep');
    this.#depth += 1;
    if (count < 0x10) this.#byte(small | count);
    else {
      const at = this.#grow(count <= 0xffff ? 3 : 5);
      this.#bytes[at] = count <= 0xffff ? large : large + 1;
      if (count <= 0xffff) this.#view.setUint16(at + 1, count);
      else this.#view.setUint32(at + 1, count);
    }
  }

  #byte(byte: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = byte;
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #grow(by: number): number {
    const at = this.#length;
    this.#length += by;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

function isArray(value: MsgpackValue): value is readonly MsgpackValue[] {
  return Array.isArray(value);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
