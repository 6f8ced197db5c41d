import { ProtocolError } from '../error.ts';

/** Largest content of one record, in bytes. */
export const MAX_CONTENT_BYTES = 4096;
/** Highest PCR that a record may name. */
export const MAX_PCR = 23;
/** Most records of one boot (F-29). */
export const MAX_RECORDS = 1_000_000;

const ARRAY_OF_TWO = 0x92;
const BIN8 = 0xc4;
const BIN16 = 0xc5;

/** One record of the canonical event log: msgpack `[pcr, content]`. recnum is its position, its digest SHA-256 of the content (SPEC.md 4.1). */
export function encodeRecord(pcr: number, content: Uint8Array): Uint8Array {
  if (!Number.isInteger(pcr) || pcr < 0 || pcr > MAX_PCR) throw new RangeError('PCR outside 0..23');
  if (content.length === 0 || content.length > MAX_CONTENT_BYTES) throw new RangeError('content outside 1..4096 bytes');
  const short = content.length <= 0xff;
  const header = short
    ? [ARRAY_OF_TWO, pcr, BIN8, content.length]
    : [ARRAY_OF_TWO, pcr, BIN16, content.length >> 8, content.length & 0xff];
  const record = new Uint8Array(header.length + content.length);
  record.set(header);
  record.set(content, header.length);
  return record;
}

/** Called for each record: `content` is a view on the input, `index` its position in the log, `end` the offset in the input after the record. */
export type RecordVisitor = (pcr: number, content: Uint8Array, index: number, end: number) => void;

/** Where a reading of records stopped. */
export interface RecordsRead {
  /** bytes of whole records */
  readonly bytes: number;
  readonly records: number;
}

/**
 * Reads whole records one after the other, building nothing else. What is left behind the last whole record is not read: a torn write in a
 * file; `readRecords` refuses it.
 *
 * @param first index of the first record in its log
 * @throws ProtocolError `log.malformed` with the offset of the byte to blame
 */
export function readWholeRecords(bytes: Uint8Array, first: number, visit: RecordVisitor): RecordsRead {
  let at = 0;
  let index = first;
  while (at < bytes.length) {
    const pcr = byteAt(bytes, at + 1);
    const bin = byteAt(bytes, at + 2);
    if (bytes[at] !== ARRAY_OF_TWO) throw new ProtocolError('log.malformed', at);
    if (pcr !== undefined && pcr > MAX_PCR) throw new ProtocolError('log.malformed', at + 1);
    if (bin !== undefined && bin !== BIN8 && bin !== BIN16) throw new ProtocolError('log.malformed', at + 2);
    const high = byteAt(bytes, at + 3);
    if (bin === BIN16 && high !== undefined && (high === 0 || high << 8 > MAX_CONTENT_BYTES))
      throw new ProtocolError('log.malformed', at + 3);
    const start = at + (bin === BIN16 ? 5 : 4);
    if (pcr === undefined || bin === undefined || start > bytes.length) break;
    const length = bin === BIN8 ? (bytes[at + 3] ?? 0) : ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    if (length < (bin === BIN8 ? 1 : 0x100) || length > MAX_CONTENT_BYTES)
      throw new ProtocolError('log.malformed', at + 3);
    if (start + length > bytes.length) break;
    at = start + length;
    visit(pcr, bytes.subarray(start, at), index, at);
    index += 1;
  }
  return { bytes: at, records: index - first };
}

/**
 * Reads records that fill the input exactly: a slice.
 * @returns the number of records
 * @throws ProtocolError `log.malformed`, `log.truncated` with the offset
 */
export function readRecords(bytes: Uint8Array, first: number, visit: RecordVisitor): number {
  const read = readWholeRecords(bytes, first, visit);
  if (read.bytes !== bytes.length) throw new ProtocolError('log.truncated', read.bytes);
  return read.records;
}

function byteAt(bytes: Uint8Array, at: number): number | undefined {
  return bytes[at];
}
