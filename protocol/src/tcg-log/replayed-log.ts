import type { HashName } from '../tpm/constants.ts';
import { hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { TCG_ANOMALIES, type TcgAnomaly } from './anomaly.ts';
import { type ExaminedRecord, TcgExamination } from './examination.ts';
import { TcgLogReader } from './log-reader.ts';
import type { TcgRecord } from './record.ts';
import { BANKS, type ReplayedPcr, TcgReplay } from './replay.ts';
import type { SecureBootState } from './secure-boot.ts';
import type { TcgSpecId } from './spec-id.ts';

/** What the newest log of a file leads to. */
export interface ReplayedTcgLog {
  readonly format: 'sha1' | 'crypto-agile';
  readonly specId: TcgSpecId | undefined;
  /** logs in the file */
  readonly logs: number;
  /** of the newest log, the header counted */
  readonly records: number;
  /** banks that it has, of those we know */
  readonly banks: readonly HashName[];
  /** 24 values of every bank we know, whether the log has it or not */
  readonly pcrs: Readonly<Record<HashName, readonly ReplayedPcr[]>>;
  readonly startupLocality: number | undefined;
  readonly secureBoot: SecureBootState;
  /** the first 1,000 */
  readonly anomalies: readonly TcgAnomaly[];
  readonly anomaliesLeftOut: number;
  /** whether an anomaly rejects the log whatever it replays to */
  readonly isRejected: boolean;
}

/** A log kept for reading must stay small whatever it holds. */
const MAX_ANOMALIES = 1000;

/** Hears of every record of every log, after it was replayed; byte strings are views. */
export type TcgVisitor = (record: TcgRecord, examined: ExaminedRecord) => void;

/** Replays and examines a file of TCG event logs, from pieces of any length, in memory for one record. */
export class TcgLogFold {
  readonly #hashes: Hashes;
  readonly #reader: TcgLogReader;
  #current: OneLog;

  constructor(hashes: Hashes, visit?: TcgVisitor) {
    this.#hashes = hashes;
    this.#current = new OneLog(hashes);
    this.#reader = new TcgLogReader((record) => {
      if (record.index === 0) this.#current = new OneLog(this.#hashes);
      const examined = this.#current.take(record);
      visit?.(record, examined);
    });
  }

  /** @throws ProtocolError `tcg-log.*` with the offset in the file */
  feed(piece: Uint8Array): void {
    this.#reader.feed(piece);
  }

  /** The end of the file. @throws ProtocolError `tcg-log.truncated`, `tcg-log.empty` */
  end(): ReplayedTcgLog {
    this.#reader.end();
    return this.#current.end(this.#reader.logs);
  }
}

/**
 * Replays and examines a TCG event log that is there as a whole.
 *
 * @param bytes the file: one log, crypto-agile or SHA-1, or several with their lengths
 * @param hashes for instance nobleCrypto or nodeCrypto
 * @throws ProtocolError `tcg-log.*` with the offset in the file
 * @see TCG PC Client Platform Firmware Profile 10
 */
export function replayTcgLog(bytes: Uint8Array, hashes: Hashes, visit?: TcgVisitor): ReplayedTcgLog {
  const fold = new TcgLogFold(hashes, visit);
  fold.feed(bytes);
  return fold.end();
}

class OneLog {
  readonly #replay: TcgReplay;
  readonly #examination: TcgExamination;
  readonly #anomalies: TcgAnomaly[] = [];
  #leftOut = 0;
  #isRejected = false;
  #records = 0;
  #specId: TcgSpecId | undefined;

  constructor(hashes: Hashes) {
    this.#replay = new TcgReplay(hashes);
    this.#examination = new TcgExamination(hashes);
  }

  take(record: TcgRecord): ExaminedRecord {
    this.#records += 1;
    this.#specId ??= record.specId;
    this.#replay.take(record);
    const examined = this.#examination.take(record, this.#replay.startupLocality);
    this.#note(examined.anomalies);
    return examined;
  }

  end(logs: number): ReplayedTcgLog {
    this.#note(this.#examination.end());
    const isAgile = this.#specId?.version === 3;
    const announced = this.#specId?.algorithms.map(({ algorithm }) => hashName(algorithm)) ?? [];
    const replay = this.#replay;
    return {
      format: isAgile ? 'crypto-agile' : 'sha1',
      specId: this.#specId,
      logs,
      records: this.#records,
      banks: isAgile ? BANKS.filter((bank) => announced.includes(bank)) : ['sha1'],
      pcrs: {
        sha1: replay.values('sha1'),
        sha256: replay.values('sha256'),
        sha384: replay.values('sha384'),
        sha512: replay.values('sha512'),
      },
      startupLocality: replay.startupLocality,
      secureBoot: this.#examination.secureBoot,
      anomalies: this.#anomalies,
      anomaliesLeftOut: this.#leftOut,
      isRejected: this.#isRejected,
    };
  }

  #note(anomalies: readonly TcgAnomaly[]): void {
    for (const anomaly of anomalies) {
      if (TCG_ANOMALIES[anomaly.code].rejects) this.#isRejected = true;
      if (this.#anomalies.length < MAX_ANOMALIES) this.#anomalies.push(anomaly);
      else this.#leftOut += 1;
    }
  }
}
