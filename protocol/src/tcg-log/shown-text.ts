import { decodeUtf8, toHex } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';

/** Longest text and longest run of bytes that are shown whole. */
const MAX_SHOWN_CHARACTERS = 1024;
const MAX_SHOWN_BYTES = 64;

/**
 * Text of a log for a person's screen: printable ASCII as it is, everything else as `\u{...}`, so that it draws nothing and hides nothing
 * (F-95). What is longer than 1024 characters is cut, and says so.
 */
export function shownText(text: string): string {
  let shown = '';
  let at = 0;
  for (const character of text) {
    if (at === MAX_SHOWN_CHARACTERS) return `${shown}... (${text.length} characters)`;
    const code = character.codePointAt(0) ?? 0;
    const isPlain = code >= 0x20 && code < 0x7f && !(character === '\\' && text.startsWith('\\u{', at));
    shown += isPlain ? character : `\\u{${code.toString(16)}}`;
    at += character.length;
  }
  return shown;
}

/** Bytes as hexadecimal; of more than 64 the first, and how many there are. */
export function shownBytes(bytes: Uint8Array): string {
  const hex = toHex(bytes.subarray(0, MAX_SHOWN_BYTES));
  return bytes.length <= MAX_SHOWN_BYTES ? hex : `${hex}... (${bytes.length} bytes)`;
}

/** Bytes behind a structure, as a remark. */
export function trailingText(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : `, followed by ${shownBytes(bytes)}`;
}

/** Event data that is text: UTF-16LE where every second byte is zero, else UTF-8; closing NULs are dropped. @returns undefined for other bytes */
export function textOf(data: Uint8Array): string | undefined {
  const length = data.findLastIndex((byte) => byte !== 0) + 1;
  if (length === 0) return undefined;
  const isWide = length > 1 && data.length >= length + (length & 1) && data.subarray(0, length).every(isHighZero);
  if (isWide) return wideText(data.subarray(0, length + (length & 1)));
  try {
    const text = decodeUtf8(data.subarray(0, length));
    return /^[^\p{Cc}]*$/u.test(text.replace(/[\t\r\n]/g, '')) ? text : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function isHighZero(byte: number, at: number): boolean {
  return at % 2 === 0 ? byte !== 0 : byte === 0;
}

/** UTF-16LE; a last odd byte is dropped. */
export function wideText(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    parts.push(String.fromCharCode((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)));
  }
  return parts.join('');
}
