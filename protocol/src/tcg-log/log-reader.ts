import { ProtocolError } from '../error.ts';
import type { TcgRecord } from './record.ts';
import { RecordReader } from './record-reader.ts';

/** No log begins with a PCR above this (but 0xffffffff), and none is as short: what is between them is the length of a log. */
const MAX_PCR = 23;
const NO_PCR = 0xffffffff;
const MIN_LOG_BYTES = 32;

/**
 * Reads a file of one TCG event log, or of several with their length (u32, little-endian) before each, as some tools keep them for boot and
 * every resume: the newest stands last, and it alone explains the PCRs. From pieces of any length, with memory for one record.
 *
 * Formats: crypto-agile and SHA-1 (TPM 1.2), told apart by the first record. Zeros behind the last record are padding.
 *
 * @see TCG PC Client Platform Firmware Profile 10.2, 10.4.5.1
 */
export class TcgLogReader {
  readonly #visit: (record: TcgRecord) => void;
  /** bytes of a length, or of the field that tells whether there is one */
  readonly #field: number[] = [];
  #frames: 'unknown' | 'none' | 'lengths' = 'unknown';
  #records: RecordReader | undefined;
  #isPadding = false;
  /** logs begun */
  #logs = 0;
  /** of the next byte in the file */
  #offset = 0;
  /** bytes of the current log that have not come yet */
  #left = Number.POSITIVE_INFINITY;

  /** @param visit hears of every record, in order; its byte strings are views that the next piece may overwrite */
  constructor(visit: (record: TcgRecord) => void) {
    this.#visit = visit;
  }

  /** How many logs the file holds, as far as it was read. */
  get logs(): number {
    return this.#logs;
  }

  /** @throws ProtocolError `tcg-log.*` with the offset in the file; records before it have been visited. Read no further then. */
  feed(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#isPadding) {
        this.#demandZero(piece.subarray(at));
        return;
      }
      at += this.#records === undefined ? this.#header(piece, at) : this.#body(this.#records, piece, at);
    }
  }

  /** The end of the file. @throws ProtocolError `tcg-log.truncated`, `tcg-log.empty` */
  end(): void {
    if (this.#frames === 'unknown' || this.#records !== undefined) this.#endOfLog();
    else if (this.#field.some((byte) => byte !== 0)) throw new ProtocolError('tcg-log.truncated', this.#offset);
  }

  #endOfLog(): void {
    const records = this.#records ?? this.#start(Number.POSITIVE_INFINITY);
    if (this.#records === undefined) records.feed(Uint8Array.from(this.#field));
    records.end();
    if (Number.isFinite(this.#left) && this.#left > 0) throw new ProtocolError('tcg-log.truncated', this.#offset);
  }

  /** One byte of a length. @returns bytes taken */
  #header(piece: Uint8Array, at: number): number {
    this.#field.push(piece[at] ?? 0);
    if (this.#field.length < 4) return 1;
    const field = Uint8Array.from(this.#field);
    const value = new DataView(field.buffer).getUint32(0, true);
    if (this.#frames === 'unknown' && (value <= MAX_PCR || value === NO_PCR)) {
      this.#frames = 'none';
      this.#records = this.#start(Number.POSITIVE_INFINITY);
      this.#records.feed(field);
      this.#offset += 4;
      return 1;
    }
    this.#frames = 'lengths';
    this.#field.length = 0;
    if (value === 0) this.#isPadding = true;
    else if (value < MIN_LOG_BYTES) throw new ProtocolError('tcg-log.length', this.#offset);
    this.#offset += 4;
    if (value > 0) this.#records = this.#start(value);
    return 1;
  }

  #start(left: number): RecordReader {
    this.#left = left;
    return new RecordReader(this.#logs++, this.#offset, this.#visit);
  }

  #body(records: RecordReader, piece: Uint8Array, at: number): number {
    const part = piece.subarray(at, Math.min(piece.length, at + this.#left));
    records.feed(part);
    this.#offset += part.length;
    this.#left -= part.length;
    if (this.#left === 0) {
      records.end();
      this.#records = undefined;
    }
    return part.length;
  }

  #demandZero(bytes: Uint8Array): void {
    const at = bytes.findIndex((byte) => byte !== 0);
    if (at >= 0) throw new ProtocolError('tcg-log.padding', this.#offset + at);
    this.#offset += bytes.length;
  }
}
