import {
  type CelNumbering,
  CelNumbers,
  type CelRecord,
  CelReplay,
  celOfIma,
  celOfTcg,
  encodeCelJson,
  encodeCelTlv,
  type HashName,
  ImaListFold,
  type ImaRule,
  ProtocolError,
  TcgLogFold,
  utf8,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { celCborHead, encodeCelCbor } from '../cel-cbor/encode-cel-cbor.ts';
import { type CelEncoding, readCelLog } from './cel-source.ts';
import { piecesOf, type ReadPiece } from './checked-log.ts';

/** What a log is converted from, and what it takes to do so. */
export interface CelConversion {
  readonly from: 'tcg' | 'ima' | 'cel';
  readonly to: CelEncoding;
  /** of the log that is written, and of one that is read */
  readonly numbering: CelNumbering;
  /** banks that entries of an IMA list get a digest for, by this rule */
  readonly ima: { readonly banks: readonly HashName[]; readonly rule: ImaRule };
}

export interface ConvertedLog {
  readonly bytes: Uint8Array;
  readonly records: number;
  /** EV_NO_ACTION records without a PCR, which this format has no place for */
  readonly leftOut: number;
}

/**
 * Converts a log to the Canonical Event Log: every PCR replays to the same values from either. Of a file with several firmware logs the newest.
 * @throws ProtocolError what reading the log refuses; `ima.malformed` for an entry that shows another template digest than its data have
 */
export function convertToCel(read: ReadPiece, { from, to, numbering, ima }: CelConversion): ConvertedLog {
  switch (from) {
    case 'tcg':
      return convertTcg(read, () => new Conversion(to, numbering));
    case 'ima':
      return convertIma(read, ima, new Conversion(to, numbering));
    case 'cel':
      return convertCel(read, numbering, new Conversion(to, numbering));
  }
}

function convertTcg(read: ReadPiece, begin: () => Conversion): ConvertedLog {
  let [log, conversion] = [0, begin()];
  const fold = new TcgLogFold(nodeCrypto, (record) => {
    if (record.log !== log) [log, conversion] = [record.log, begin()];
    conversion.take(celOfTcg(record));
  });
  for (const piece of piecesOf(read)) fold.feed(piece);
  fold.end();
  return conversion.done();
}

function convertIma(read: ReadPiece, { banks, rule }: CelConversion['ima'], conversion: Conversion): ConvertedLog {
  const fold = new ImaListFold(nodeCrypto, { banks: [], rule }, (entry, finding) => {
    if (finding === 'mismatch') throw new ProtocolError('ima.malformed', entry.offset);
    conversion.take(celOfIma(entry, nodeCrypto, banks, rule));
  });
  for (const piece of piecesOf(read)) fold.feed(piece);
  fold.end();
  return conversion.done();
}

function convertCel(read: ReadPiece, numbering: CelNumbering, conversion: Conversion): ConvertedLog {
  const replay = new CelReplay(nodeCrypto, { numbering });
  readCelLog(read, (record, offset) => {
    replay.take(record, offset);
    conversion.take(record);
  });
  return conversion.done();
}

/** Numbers records and encodes them as they come, since their bytes are views. */
class Conversion {
  readonly #encoding: CelEncoding;
  readonly #numbers: CelNumbers;
  readonly #parts: Uint8Array[] = [];
  #leftOut = 0;

  constructor(encoding: CelEncoding, numbering: CelNumbering) {
    this.#encoding = encoding;
    this.#numbers = new CelNumbers(numbering);
  }

  /** @param record undefined for one that has no place in this format */
  take(record: Omit<CelRecord, 'recnum'> | undefined): void {
    if (record === undefined) this.#leftOut += 1;
    else this.#parts.push(this.#encode({ ...record, recnum: this.#numbers.next(record.index) }));
  }

  done(): ConvertedLog {
    const records = this.#parts.length;
    return { bytes: new Uint8Array(Buffer.concat(this.#framed(records))), records, leftOut: this.#leftOut };
  }

  #encode(record: CelRecord): Uint8Array {
    switch (this.#encoding) {
      case 'tlv':
        return encodeCelTlv(record);
      case 'cbor':
        return encodeCelCbor(record);
      case 'json':
        return utf8(encodeCelJson(record));
    }
  }

  #framed(records: number): readonly Uint8Array[] {
    switch (this.#encoding) {
      case 'tlv':
        return this.#parts;
      case 'cbor':
        return [celCborHead(records), ...this.#parts];
      case 'json':
        return [
          utf8('[\n'),
          ...this.#parts.flatMap((part, i) => (i === 0 ? [part] : [utf8(',\n'), part])),
          utf8('\n]\n'),
        ];
    }
  }
}
