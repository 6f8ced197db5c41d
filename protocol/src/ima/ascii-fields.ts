import { ProtocolError } from '../error.ts';
import { MAX_IMA_NAME_BYTES } from './entry.ts';
import type { ImaFieldForm } from './template.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;
const U32 = 4;
const IMA_DIGEST_BYTES = 20;

/** Lengths, terminating NULs and numbers: what a line's template data may have beside the bytes of the line. */
const ROOM_BYTES = 256;

/** Lower-case hexadecimal digits by character code, as the higher and the lower half of a byte; -1 for any other. */
const HIGH_HALF: Int16Array = new Int16Array(256).fill(-1);
const LOW_HALF: Int16Array = new Int16Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  const code = i.toString(16).charCodeAt(0);
  HIGH_HALF[code] = i << 4;
  LOW_HALF[code] = i;
}

/** The template data of one line after the other, in the same bytes. */
export interface LineData {
  readonly bytes: Uint8Array;
  length: number;
}

/** @param lineBytes longest line to come; what a line says in hexadecimal or as text is never longer as bytes */
export function lineData(lineBytes: number): LineData {
  return { bytes: new Uint8Array(lineBytes + ROOM_BYTES), length: 0 };
}

/**
 * Writes the template data of one line: each field stands behind one space, the last one up to the newline, and an empty field keeps its
 * space. Each byte of the line is looked at once: this is where the time of reading a list goes.
 *
 * @param bytes lines; the last byte is a newline
 * @param at the space behind the template's name
 * @param base offset of `bytes` in the list, for error offsets
 * @returns offset of the newline
 * @throws ProtocolError `ima.malformed`
 */
export function writeFields(
  bytes: Uint8Array,
  at: number,
  forms: readonly ImaFieldForm[],
  data: LineData,
  base: number,
): number {
  let next = at;
  data.length = 0;
  for (let i = 0; i < forms.length; i++) {
    if (bytes[next] !== SPACE) throw new ProtocolError('ima.malformed', base + next);
    const lengthAt = data.length;
    data.length += U32;
    next = writeField(bytes, next + 1, forms[i] as ImaFieldForm, i === forms.length - 1, data, base);
    setU32(data.bytes, lengthAt, data.length - lengthAt - U32);
  }
  if (bytes[next] !== NEWLINE) throw new ProtocolError('ima.malformed', base + next);
  return next;
}

/** @returns offset behind the field */
function writeField(
  bytes: Uint8Array,
  from: number,
  form: ImaFieldForm,
  last: boolean,
  data: LineData,
  base: number,
): number {
  switch (form) {
    case 'name':
    case 'names': {
      const next = writeText(bytes, from, last ? NEWLINE : SPACE, data);
      // A name is never absent; other fields are where the event has none.
      if (form === 'name' || next > from) data.bytes[data.length++] = 0;
      return next;
    }
    case 'named-digest':
    case 'typed-digest': {
      if (isEnd(bytes[from])) return from;
      const names = form === 'named-digest' ? 1 : 2;
      let next = from;
      for (let i = 0; i < names; i++) {
        const start = next;
        next = writeText(bytes, start, COLON, data);
        if (next === start || bytes[next] !== COLON) throw new ProtocolError('ima.malformed', base + from);
        data.bytes[data.length++] = COLON;
        next += 1;
      }
      data.bytes[data.length++] = 0;
      return writeHex(bytes, next, data, base);
    }
    case 'digest':
    case 'hex':
      return writeHex(bytes, from, data, base);
    case 'u16':
      return writeNumber(bytes, from, 2, data, base);
    case 'u32':
      return writeNumber(bytes, from, 4, data, base);
  }
}

/** The same as writeFields for the template `ima`: digest and name, no lengths. */
export function writeImaFields(bytes: Uint8Array, at: number, data: LineData, base: number): number {
  data.length = 0;
  const space = writeHex(bytes, at + 1, data, base);
  if (data.length !== IMA_DIGEST_BYTES || bytes[space] !== SPACE) throw new ProtocolError('ima.malformed', base + at);
  const next = writeText(bytes, space + 1, NEWLINE, data);
  if (next - space - 1 > MAX_IMA_NAME_BYTES) throw new ProtocolError('ima.malformed', base + space);
  return next;
}

/**
 * Decodes digits up to the first byte that is none.
 * @returns offset of that byte
 * @throws ProtocolError `ima.malformed` for half a pair
 */
export function writeHex(bytes: Uint8Array, from: number, data: LineData, base: number): number {
  const written = data.bytes;
  let length = data.length;
  let at = from;
  // Bounds that the engine sees keep its reads and writes cheap.
  for (const end = bytes.length - 1; at < end && length < written.length; at += 2) {
    const value = (HIGH_HALF[bytes[at] as number] as number) | (LOW_HALF[bytes[at + 1] as number] as number);
    if (value < 0) break;
    written[length++] = value;
  }
  if ((LOW_HALF[bytes[at] as number] as number) >= 0) throw new ProtocolError('ima.malformed', base + at);
  data.length = length;
  return at;
}

/**
 * Copies up to a newline, or to a space or colon where `until` is that.
 * @returns offset of the byte that ended it
 */
function writeText(bytes: Uint8Array, from: number, until: number, data: LineData): number {
  const written = data.bytes;
  let length = data.length;
  let at = from;
  for (const end = bytes.length; at < end && length < written.length; at++) {
    const byte = bytes[at] as number;
    if (byte <= COLON && (byte === until || byte === NEWLINE || (byte === SPACE && until !== NEWLINE))) break;
    written[length++] = byte;
  }
  data.length = length;
  return at;
}

/** Decimal without leading zeros, written little-endian in `size` bytes; nothing for an empty field. */
function writeNumber(bytes: Uint8Array, from: number, size: number, data: LineData, base: number): number {
  let value = 0;
  let at = from;
  for (; !isEnd(bytes[at]); at++) {
    const digit = (bytes[at] as number) - ZERO;
    const leading = at > from && value === 0;
    value = 10 * value + digit;
    if (digit < 0 || digit > 9 || leading || value >= 256 ** size)
      throw new ProtocolError('ima.malformed', base + from);
  }
  if (at === from) return at;
  setU32(data.bytes, data.length, value);
  data.length += size;
  return at;
}

function isEnd(byte: number | undefined): boolean {
  return byte === SPACE || byte === NEWLINE;
}

function setU32(data: Uint8Array, at: number, value: number): void {
  data[at] = value & 0xff;
  data[at + 1] = (value >>> 8) & 0xff;
  data[at + 2] = (value >>> 16) & 0xff;
  data[at + 3] = value >>> 24;
}
