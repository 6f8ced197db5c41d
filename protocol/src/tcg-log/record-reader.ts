import { ProtocolError } from '../error.ts';
import { TPM_ALG } from '../tpm/constants.ts';
import { TCG_EVENT_TYPES } from './event-type.ts';
import { MAX_TCG_EVENT_BYTES, MAX_TCG_RECORDS, type TcgDigest, type TcgRecord } from './record.ts';
import { isSpecId, parseSpecId, type TcgAlgorithm } from './spec-id.ts';

const MAX_PCR = 23;
/** Windows ends its logs with EV_NO_ACTION records of this index: records, not padding. */
const NO_PCR = 0xffffffff;
const NO_ACTION = TCG_EVENT_TYPES.EV_NO_ACTION.code;
const SHA1_BYTES = 20;
const SHA1_RECORD_BYTES = 8 + SHA1_BYTES + 4;

/** A whole record and where it ends, or how many bytes from its start are needed to read on. */
type Attempt = { readonly record: TcgRecord; readonly end: number } | { readonly needed: number } | 'padding';

/**
 * The records of one log, from pieces of any length. Buffers one record at most, and that only as far as it has come. In a piece of its
 * own, every record is read once; over pieces, at most once for each field of it, so the time is linear in the log.
 *
 * @throws ProtocolError `tcg-log.*` with the offset in the file of the field to blame; `truncated` with that of the record
 */
export class RecordReader {
  readonly #log: number;
  readonly #visit: (record: TcgRecord) => void;
  readonly #pending = new Pending();
  /** banks of a crypto-agile log by TPM_ALG_ID; undefined in a SHA-1 log */
  #algorithms: ReadonlyMap<number, TcgAlgorithm> | undefined;
  #index = 0;
  #isPadding = false;
  /** offset in the file of the next byte that no record has */
  #offset: number;

  /** @param offset of the log in the file */
  constructor(log: number, offset: number, visit: (record: TcgRecord) => void) {
    this.#log = log;
    this.#offset = offset;
    this.#visit = visit;
  }

  feed(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#isPadding) return this.#demandZero(piece.subarray(at));
      const waits = this.#pending.length > 0;
      if (waits) {
        at += this.#pending.fill(piece, at);
        if (!this.#pending.isFilled) return;
      }
      const bytes = waits ? this.#pending.bytes : piece.subarray(at);
      const attempt = this.#attempt(bytes);
      if (attempt === 'padding') this.#startPadding(waits ? bytes.length : 0);
      else if ('needed' in attempt) {
        if (waits) this.#pending.needed = attempt.needed;
        else at += this.#pending.start(bytes, attempt.needed);
      } else {
        if (waits) this.#pending.clear();
        else at += attempt.end;
        this.#take(attempt.record, attempt.end);
      }
    }
  }

  /** Demands that nothing is left but padding, and that there was a record. */
  end(): void {
    const cut = this.#pending.bytes.some((byte) => byte !== 0);
    if (cut) throw new ProtocolError('tcg-log.truncated', this.#offset);
    if (this.#index === 0) throw new ProtocolError('tcg-log.empty', this.#offset);
  }

  #take(record: TcgRecord, length: number): void {
    if (this.#index === MAX_TCG_RECORDS) throw new ProtocolError('tcg-log.too-long', this.#offset);
    this.#index += 1;
    this.#offset += length;
    if (record.specId?.version === 3) {
      this.#algorithms = new Map(record.specId.algorithms.map((one) => [one.algorithm, one]));
    }
    this.#visit(record);
  }

  #startPadding(length: number): void {
    this.#isPadding = true;
    this.#offset += length;
    this.#pending.clear();
  }

  #demandZero(bytes: Uint8Array): void {
    const at = bytes.findIndex((byte) => byte !== 0);
    if (at >= 0) throw new ProtocolError('tcg-log.padding', this.#offset + at);
    this.#offset += bytes.length;
  }

  /** @param bytes from the start of a record on */
  #attempt(bytes: Uint8Array): Attempt {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 8) return { needed: 8 };
    const [pcr, type] = [view.getUint32(0, true), view.getUint32(4, true)];
    if (pcr > MAX_PCR && !(pcr === NO_PCR && type === NO_ACTION)) {
      throw new ProtocolError(this.#index === 0 ? 'tcg-log.header' : 'tcg-log.pcr', this.#offset);
    }
    const digests = this.#algorithms === undefined ? sha1Digest(bytes) : this.#digests(bytes, view, this.#algorithms);
    if ('needed' in digests) return digests;
    const start = digests.end + 4;
    if (bytes.length < start) return { needed: start };
    const size = view.getUint32(digests.end, true);
    const isZero = pcr === 0 && type === 0 && size === 0;
    if (isZero && bytes.subarray(0, digests.end).every((byte) => byte === 0)) return 'padding';
    if (digests.digests.length === 0) throw new ProtocolError('tcg-log.digests', this.#offset + 8);
    if (size > MAX_TCG_EVENT_BYTES) throw new ProtocolError('tcg-log.event-size', this.#offset + digests.end);
    const end = start + size;
    if (bytes.length < end) return { needed: end };
    const data = bytes.subarray(start, end);
    const record = {
      log: this.#log,
      index: this.#index,
      offset: this.#offset,
      pcr,
      type,
      digests: digests.digests,
      data,
    };
    return { record: { ...record, specId: this.#specId(record, start) }, end };
  }

  #digests(
    bytes: Uint8Array,
    view: DataView,
    algorithms: ReadonlyMap<number, TcgAlgorithm>,
  ): { readonly digests: readonly TcgDigest[]; readonly end: number } | { readonly needed: number } {
    if (bytes.length < 12) return { needed: 12 };
    const count = view.getUint32(8, true);
    if (count > algorithms.size) throw new ProtocolError('tcg-log.digests', this.#offset + 8);
    const digests: TcgDigest[] = [];
    let at = 12;
    for (let i = 0; i < count; i++) {
      if (bytes.length < at + 2) return { needed: at + 2 };
      const algorithm = view.getUint16(at, true);
      const listed = algorithms.get(algorithm);
      if (listed === undefined || digests.some((other) => other.algorithm === algorithm)) {
        throw new ProtocolError('tcg-log.digests', this.#offset + at);
      }
      const end = at + 2 + listed.size;
      if (bytes.length < end) return { needed: end };
      digests.push({ algorithm, digest: bytes.subarray(at + 2, end) });
      at = end;
    }
    return { digests, end: at };
  }

  #specId({ index, pcr, type, digests, data }: Omit<TcgRecord, 'specId'>, start: number): TcgRecord['specId'] {
    if (type !== NO_ACTION || !isSpecId(data)) return undefined;
    const isHeader = index === 0 && pcr === 0 && digests.every(({ digest }) => digest.every((byte) => byte === 0));
    if (!isHeader) throw new ProtocolError('tcg-log.header', this.#offset);
    return parseSpecId(data, this.#offset + start);
  }
}

function sha1Digest(
  bytes: Uint8Array,
): { readonly digests: readonly TcgDigest[]; readonly end: number } | { readonly needed: number } {
  if (bytes.length < SHA1_RECORD_BYTES) return { needed: SHA1_RECORD_BYTES };
  const end = 8 + SHA1_BYTES;
  return { digests: [{ algorithm: TPM_ALG.SHA1, digest: bytes.subarray(8, end) }], end };
}

/** The part of a record that has come so far. Grows with it, never with a length that it declares. */
class Pending {
  #buffer = new Uint8Array(512);
  #length = 0;
  needed = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  get isFilled(): boolean {
    return this.#length >= this.needed;
  }

  /** @returns bytes taken: all */
  start(bytes: Uint8Array, needed: number): number {
    this.needed = needed;
    return this.#append(bytes);
  }

  /** Takes as many bytes of the piece as are needed. @returns how many those are */
  fill(piece: Uint8Array, at: number): number {
    return this.#append(piece.subarray(at, at + this.needed - this.#length));
  }

  /** Views on the old bytes stay what they are. */
  clear(): void {
    this.#buffer = new Uint8Array(512);
    this.#length = 0;
  }

  #append(bytes: Uint8Array): number {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
    return bytes.length;
  }
}
