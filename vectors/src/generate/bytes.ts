import { fromHex, Writer } from '@mtm-attest/protocol';

/** `length` bytes of one value. */
export function fill(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Bytes from pieces: hexadecimal text, in which spaces set fields apart, or bytes. */
export function bytes(...pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const whole = new Writer();
  for (const piece of pieces) whole.bytes(typeof piece === 'string' ? fromHex(piece.replaceAll(' ', '')) : piece);
  return whole.done();
}

/** A copy with one bit flipped; bit 0 is the highest of byte 0. */
export function flipped(input: Uint8Array, bit: number): Uint8Array {
  const copy = input.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}

/** A copy with other bytes at one place. */
export function overwritten(input: Uint8Array, at: number, piece: string | Uint8Array): Uint8Array {
  const copy = input.slice();
  copy.set(bytes(piece), at);
  return copy;
}
