import { ProtocolError } from '@mtm-attest/protocol';

/** A record has five members, at most 16 digests of two members each, and content of three levels. */
const MAX_HEADS = 256;
const MAX_DEPTH = 8;

const ARRAY = 4;
const MAP = 5;

interface Head {
  readonly major: number;
  readonly argument: number;
  readonly next: number;
}

/**
 * Finds the end of one CBOR item of the size that a record may have, without recursion: the decoder behind it recurses and builds, so it is
 * given nothing deeper or larger.
 *
 * @param base offset of `bytes`, for error offsets
 * @returns undefined where the item is cut off
 * @throws ProtocolError `cel.malformed` for indefinite lengths, tags, floats and simple values, and items too deep or of too many parts
 */
export function endOfItem(bytes: Uint8Array, start: number, base: number): number | undefined {
  const open: number[] = [1];
  let at = start;
  for (let heads = 0; open.length > 0; heads++) {
    const head = headAt(bytes, at, base);
    if (head === undefined) return undefined;
    if (heads === MAX_HEADS || open.length > MAX_DEPTH) throw new ProtocolError('cel.malformed', base + at);
    open[open.length - 1] = (open.at(-1) ?? 0) - 1;
    at = head.next;
    if (head.major === ARRAY) open.push(head.argument);
    else if (head.major === MAP) open.push(2 * head.argument);
    else if (head.major === 2 || head.major === 3) at += head.argument;
    if (at > bytes.length) return undefined;
    while (open.at(-1) === 0) open.pop();
  }
  return at;
}

/** Major types 0 (unsigned), 2 (bytes), 3 (text), 4 (array) and 5 (map), arguments of 8 bytes below 2^53. */
export function headAt(bytes: Uint8Array, at: number, base: number): Head | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const major = first >> 5;
  const short = first & 0x1f;
  if (major === 1 || major > MAP || short > 27) throw new ProtocolError('cel.malformed', base + at);
  if (short < 24) return { major, argument: short, next: at + 1 };
  const size = 1 << (short - 24);
  if (at + 1 + size > bytes.length) return undefined;
  let argument = 0;
  for (let i = 1; i <= size; i++) argument = 256 * argument + (bytes[at + i] ?? 0);
  if (argument > Number.MAX_SAFE_INTEGER) throw new ProtocolError('cel.malformed', base + at);
  return { major, argument, next: at + 1 + size };
}
