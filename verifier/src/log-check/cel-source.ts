import { type CelVisitor, ProtocolError, readCelJson, readCelTlv } from '@mtm-attest/protocol';
import { readCelCbor } from '../cel-cbor/read-cel-cbor.ts';
import type { ReadPiece } from './checked-log.ts';

export const CEL_ENCODINGS = ['tlv', 'cbor', 'json'] as const;
export type CelEncoding = (typeof CEL_ENCODINGS)[number];

/** Larger than any record. */
const PIECE_BYTES = 4_194_304;
/** Most of a log that is read at once, as JSON and CBOR are. */
const MAX_WHOLE_BYTES = 67_108_864;
const TLV_RECNUM = 0x00;
const CBOR_ARRAY = 4;
/** White space of JSON, and its opening bracket. */
const JSON_BEGINNINGS: readonly number[] = [0x20, 0x09, 0x0a, 0x0d, 0x5b];

/**
 * Reads a canonical event log in any of its encodings, told apart by the first byte: the type of recnum, an array, a bracket. TLV piece by
 * piece, the others as a whole.
 *
 * @throws ProtocolError `cel.*`, with the offset from the start of the file but for JSON
 */
export function readCelLog(read: ReadPiece, visit: CelVisitor): CelEncoding {
  const encoding = encodingOf(read(0, 1)[0]);
  switch (encoding) {
    case 'tlv':
      readTlv(read, visit);
      break;
    case 'cbor':
      readCelCbor(wholeOf(read), visit);
      break;
    case 'json':
      readCelJson(wholeOf(read), visit);
      break;
  }
  return encoding;
}

function encodingOf(first: number | undefined): CelEncoding {
  if (first === undefined) throw new ProtocolError('cel.truncated', 0);
  if (first === TLV_RECNUM) return 'tlv';
  if (first >> 5 === CBOR_ARRAY) return 'cbor';
  if (JSON_BEGINNINGS.includes(first)) return 'json';
  throw new ProtocolError('cel.malformed', 0);
}

function readTlv(read: ReadPiece, visit: CelVisitor): void {
  for (let offset = 0; ; ) {
    const { bytes: piece, isAll } = joinedFrom(read, offset, PIECE_BYTES);
    const { bytes } = readCelTlv(piece, visit, offset);
    if (isAll && bytes !== piece.length) throw new ProtocolError('cel.truncated', offset + bytes);
    if (isAll) return;
    offset += bytes;
  }
}

function wholeOf(read: ReadPiece): Uint8Array {
  const { bytes, isAll } = joinedFrom(read, 0, MAX_WHOLE_BYTES);
  if (!isAll) throw new ProtocolError('cel.limit', MAX_WHOLE_BYTES);
  return bytes;
}

/** Bytes from `start` on: `limit` of them, or all that there are. */
function joinedFrom(
  read: ReadPiece,
  start: number,
  limit: number,
): { readonly bytes: Uint8Array; readonly isAll: boolean } {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let isAll = false;
  while (!isAll && length < limit) {
    const piece = read(start + length, Math.min(PIECE_BYTES, limit - length));
    pieces.push(piece);
    length += piece.length;
    isAll = piece.length === 0;
  }
  return { bytes: new Uint8Array(Buffer.concat(pieces)), isAll };
}
