import { ProtocolError } from '../error.ts';

/** Deepest nesting of arrays and maps (F-45). */
export const MAX_DEPTH = 16;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Keys that name parts of every JavaScript object (F-44). */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Walks received bytes and refuses whatever is not the one canonical encoding of one value: shortest headers and integers, no floats, no
 * extensions, no nil, no negative integers, maps with text keys in strictly ascending byte order, strict UTF-8 without NUL, depth at most
 * MAX_DEPTH, exactly one value. Nothing is built, nothing recurses, no declared length is believed before it is compared with what is left.
 *
 * @throws ProtocolError `msgpack.*` with the offset of the byte to blame
 * @see SPEC.md 2; MessagePack specification
 */
export function checkStrict(bytes: Uint8Array): void {
  new Walk(bytes).run();
}

// The open containers, innermost last: one set for all walks, since each is synchronous and writes a container's entries when it opens.
/** values still due; a map counts keys and values */
const DUE = new Int32Array(MAX_DEPTH);
/** 1 where the container is a map */
const IS_MAP = new Uint8Array(MAX_DEPTH);
/** start and end of the last key of each open map, end 0 before the first */
const KEY_START = new Int32Array(MAX_DEPTH);
const KEY_END = new Int32Array(MAX_DEPTH);

class Walk {
  readonly #bytes: Uint8Array;
  #depth = 0;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  run(): void {
    this.#value();
    while (this.#depth > 0) {
      const top = this.#depth - 1;
      const due = DUE[top] ?? 0;
      if (due === 0) {
        this.#depth = top;
        continue;
      }
      DUE[top] = due - 1;
      if (IS_MAP[top] === 1 && due % 2 === 0) this.#key(top);
      else this.#value();
    }
    if (this.#at !== this.#bytes.length) throw new ProtocolError('msgpack.trailing-bytes', this.#at);
  }

  #value(): void {
    const start = this.#at;
    const type = this.#byte();
    if (type < 0x80) return;
    if (type < 0x90) this.#open(type & 0x0f, true, start);
    else if (type < 0xa0) this.#open(type & 0x0f, false, start);
    else if (type < 0xc0) this.#text(type & 0x1f, start);
    else this.#prefixed(type, start);
  }

  #prefixed(type: number, start: number): void {
    switch (type) {
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
        return this.#skip(this.#length(1, 0, start));
      case 0xc5:
        return this.#skip(this.#length(2, 0x100, start));
      case 0xc6:
        return this.#skip(this.#length(4, 0x10000, start));
      case 0xcc:
        this.#length(1, 0x80, start);
        return;
      case 0xcd:
        this.#length(2, 0x100, start);
        return;
      case 0xce:
        this.#length(4, 0x10000, start);
        return;
      case 0xcf:
        if (this.#length(4, 0, start) === 0) throw new ProtocolError('msgpack.not-canonical', start);
        this.#length(4, 0, start);
        return;
      case 0xd9:
        return this.#text(this.#length(1, 0x20, start), start);
      case 0xda:
        return this.#text(this.#length(2, 0x100, start), start);
      case 0xdb:
        return this.#text(this.#length(4, 0x10000, start), start);
      case 0xdc:
        return this.#open(this.#length(2, 0x10, start), false, start);
      case 0xdd:
        return this.#open(this.#length(4, 0x10000, start), false, start);
      case 0xde:
        return this.#open(this.#length(2, 0x10, start), true, start);
      case 0xdf:
        return this.#open(this.#length(4, 0x10000, start), true, start);
      default:
        throw new ProtocolError('msgpack.type', start);
    }
  }

  #key(map: number): void {
    const start = this.#at;
    const type = this.#byte();
    let length: number;
    if (type >= 0xa0 && type < 0xc0) length = type & 0x1f;
    else if (type === 0xd9) length = this.#length(1, 0x20, start);
    else throw new ProtocolError('msgpack.key-type', start);
    const from = this.#at;
    this.#text(length, start);
    this.#ascending(map, from, this.#at, start);
    KEY_START[map] = from;
    KEY_END[map] = this.#at;
  }

  #ascending(map: number, from: number, to: number, start: number): void {
    if (to - from >= 9 && FORBIDDEN_KEYS.has(UTF8.decode(this.#bytes.subarray(from, to)))) {
      throw new ProtocolError('msgpack.key-forbidden', start);
    }
    const lastFrom = KEY_START[map] ?? 0;
    const lastTo = KEY_END[map] ?? 0;
    if (lastTo === 0) return;
    const shared = Math.min(to - from, lastTo - lastFrom);
    let i = 0;
    while (i < shared && this.#bytes[from + i] === this.#bytes[lastFrom + i]) i += 1;
    if (i < shared) {
      if ((this.#bytes[from + i] ?? 0) < (this.#bytes[lastFrom + i] ?? 0))
        throw new ProtocolError('msgpack.key-order', start);
    } else if (to - from === lastTo - lastFrom) throw new ProtocolError('msgpack.key-duplicate', start);
    else if (to - from < lastTo - lastFrom) throw new ProtocolError('msgpack.key-order', start);
  }

  /** Every element takes at least one byte, every entry two (F-46). */
  #open(count: number, isMap: boolean, start: number): void {
    const values = isMap ? count * 2 : count;
    if (values > this.#bytes.length - this.#at) throw new ProtocolError('msgpack.length', start);
    if (this.#depth === MAX_DEPTH) throw new ProtocolError('msgpack.depth', start);
    DUE[this.#depth] = values;
    IS_MAP[this.#depth] = isMap ? 1 : 0;
    KEY_END[this.#depth] = 0;
    this.#depth += 1;
  }

  #text(length: number, start: number): void {
    if (length > this.#bytes.length - this.#at) throw new ProtocolError('msgpack.length', start);
    const end = this.#at + length;
    let ascii = true;
    for (let i = this.#at; i < end; i++) {
      const byte = this.#bytes[i] ?? 0;
      if (byte === 0) throw new ProtocolError('msgpack.text', i);
      if (byte >= 0x80) ascii = false;
    }
    if (!ascii) this.#utf8(end, start);
    this.#at = end;
  }

  #utf8(end: number, start: number): void {
    try {
      UTF8.decode(this.#bytes.subarray(this.#at, end));
    } catch (cause) {
      throw new ProtocolError('msgpack.text', start, { cause });
    }
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new ProtocolError('msgpack.length', this.#at);
    this.#at += length;
  }

  /** An unsigned integer of `width` bytes that no shorter form could hold (F-41). */
  #length(width: 1 | 2 | 4, least: number, start: number): number {
    if (width > this.#bytes.length - this.#at) throw new ProtocolError('msgpack.truncated', this.#at);
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 0x100 + this.#byte();
    if (value < least) throw new ProtocolError('msgpack.not-canonical', start);
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new ProtocolError('msgpack.truncated', this.#at);
    this.#at += 1;
    return byte;
  }
}
