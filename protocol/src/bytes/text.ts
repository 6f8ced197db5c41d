import { ProtocolError } from '../error.ts';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEX = /^(?:[0-9a-f]{2})*$/i;
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Longest text that is written letter by letter, which is faster than the encoder for the ids and labels that most texts are. */
const SHORT = 64;

export function utf8(text: string): Uint8Array {
  return (text.length <= SHORT ? shortAscii(text) : undefined) ?? ENCODER.encode(text);
}

function shortAscii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/**
 * Strict UTF-8, no NUL (F-50). A byte order mark is a character like any other.
 * @throws ProtocolError `bytes.text` at `offset`
 */
export function decodeUtf8(bytes: Uint8Array, offset?: number): string {
  let text: string;
  try {
    text = DECODER.decode(bytes);
  } catch (cause) {
    throw new ProtocolError('bytes.text', offset, { cause });
  }
  if (text.includes('\0')) throw new ProtocolError('bytes.text', offset);
  return text;
}

/** Ids of terminals, operators, components and the like: 1 to 64 of `[a-z0-9._-]`, the first a letter or digit (F-50, F-93). */
export function isId(text: string): boolean {
  return ID.test(text);
}

const HEX_OF: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += HEX_OF[bytes[i] ?? 0] ?? '';
  return text;
}

/** @throws ProtocolError `bytes.hex` */
export function fromHex(text: string): Uint8Array {
  if (!HEX.test(text)) throw new ProtocolError('bytes.hex');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
