import { ProtocolError } from '../error.ts';
import type { ImaRule } from '../ima/replay.ts';
import { type ReplayedPcr, TcgReplay } from '../tcg-log/replay.ts';
import { HASHES, type HashName, hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { type CelProof, celProof } from './content-proof.ts';
import { type CelNumbering, CelNumbers } from './numbering.ts';
import { type CelRecord, MAX_CEL_RECORDS } from './record.ts';
import { asTcgRecord, isMeasured } from './tcg-record.ts';

export interface CelQuestion {
  readonly numbering: CelNumbering;
  /** rule by which IMA entries were extended into banks other than SHA-1 */
  readonly imaRule?: ImaRule | undefined;
}

/** What a canonical event log leads to. */
export interface ReplayedCelLog {
  readonly records: number;
  /** records of NV indices, which no PCR shows */
  readonly nvRecords: number;
  /** banks that its records have, of those we know */
  readonly banks: readonly HashName[];
  /** 24 values of every bank we know; undefined where a record that extended the PCR lacks the bank */
  readonly pcrs: Readonly<Record<HashName, readonly ReplayedPcr[]>>;
  readonly startupLocality: number | undefined;
}

/** Replays records of any content one by one; its memory does not grow with the log. */
export class CelReplay {
  readonly #hashes: Hashes;
  readonly #imaRule: ImaRule | undefined;
  readonly #numbers: CelNumbers;
  readonly #replay: TcgReplay;
  readonly #banks = new Set<HashName>();
  #records = 0;
  #nvRecords = 0;

  constructor(hashes: Hashes, { numbering, imaRule }: CelQuestion) {
    this.#hashes = hashes;
    this.#imaRule = imaRule;
    this.#numbers = new CelNumbers(numbering);
    this.#replay = new TcgReplay(hashes);
  }

  get records(): number {
    return this.#records;
  }

  /**
   * @returns whether the digests prove the content
   * @throws ProtocolError `cel.recnum`, `cel.limit`, `tcg-log.startup-locality`
   */
  take(record: CelRecord, offset?: number): CelProof {
    if (record.recnum !== this.#numbers.next(record.index)) throw new ProtocolError('cel.recnum', offset);
    if (this.#records >= MAX_CEL_RECORDS) throw new ProtocolError('cel.limit', offset);
    this.#records += 1;
    if (record.index.type === 'nv') this.#nvRecords += 1;
    else if (isMeasured(record) || record.content.type === 'pcclient_std')
      this.#replay.take(asTcgRecord(record, offset));
    for (const { algorithm } of record.digests) {
      const bank = hashName(algorithm);
      if (bank !== undefined) this.#banks.add(bank);
    }
    return celProof(record, this.#hashes, this.#imaRule);
  }

  /** What the records so far lead to; values are copies. */
  result(): ReplayedCelLog {
    const values = (bank: HashName): readonly ReplayedPcr[] => this.#replay.values(bank);
    return {
      records: this.#records,
      nvRecords: this.#nvRecords,
      banks: (Object.keys(HASHES) as HashName[]).filter((bank) => this.#banks.has(bank)),
      pcrs: { sha1: values('sha1'), sha256: values('sha256'), sha384: values('sha384'), sha512: values('sha512') },
      startupLocality: this.#replay.startupLocality,
    };
  }
}
