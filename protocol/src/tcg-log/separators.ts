import { equalBytes } from '../bytes/equal.ts';
import { hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import type { TcgAnomalyCode } from './anomaly.ts';
import { TCG_EVENT_TYPES } from './event-type.ts';
import type { TcgRecord } from './record.ts';
import { shownBytes } from './shown-text.ts';

const SEPARATOR = TCG_EVENT_TYPES.EV_SEPARATOR.code;
/** PCRs of the firmware, each closed by a separator before the operating system's loader runs (10.4.1, EV_SEPARATOR). */
const LAST_FIRMWARE_PCR = 7;
/** Where the firmware has nothing more to say behind it; the others go on with boot attempts, partitions and authorities. */
const CLOSED: readonly number[] = [0, 2, 3, 6];
const ERROR = Uint8Array.of(1, 0, 0, 0);

interface Oddity {
  readonly code: TcgAnomalyCode;
  readonly detail: string;
}

/** Follows the separators of the firmware's PCRs through a log. */
export class SeparatorWatch {
  readonly #hashes: Hashes;
  readonly #separated = new Set<number>();
  readonly #extended = new Set<number>();

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  isAfter(pcr: number): boolean {
    return this.#separated.has(pcr);
  }

  /** @param record that extends */
  take(record: TcgRecord): Oddity | undefined {
    const { pcr, type } = record;
    if (pcr > LAST_FIRMWARE_PCR) return undefined;
    this.#extended.add(pcr);
    const isAfter = this.#separated.has(pcr);
    if (type !== SEPARATOR) {
      return isAfter && CLOSED.includes(pcr) ? { code: 'tcg-event.late', detail: `PCR ${pcr}` } : undefined;
    }
    this.#separated.add(pcr);
    return isAfter ? { code: 'tcg-event.separator-duplicate', detail: `PCR ${pcr}` } : this.#judge(record);
  }

  /** At the end of the log: what is missing. */
  end(): Oddity | undefined {
    if (this.#extended.size === 0) return undefined;
    const missing = Array.from({ length: LAST_FIRMWARE_PCR + 1 }, (_, pcr) => pcr).filter(
      (pcr) => !this.#separated.has(pcr),
    );
    return missing.length === 0
      ? undefined
      : { code: 'tcg-event.separator-missing', detail: `PCR ${missing.join(', ')}` };
  }

  /** An error is told by the digest: its data may be a text about it. One byte ff is a separator too: some firmware writes it so. */
  #judge({ digests, data }: TcgRecord): Oddity | undefined {
    const isError =
      equalBytes(data, ERROR) ||
      digests.some(({ algorithm, digest }) => {
        const bank = hashName(algorithm);
        return bank !== undefined && equalBytes(this.#hashes[bank](ERROR), digest);
      });
    if (isError) return { code: 'tcg-event.separator-error', detail: shownBytes(data) };
    const isFour = data.length === 4 && (data.every((byte) => byte === 0) || data.every((byte) => byte === 0xff));
    const isOne = data.length === 1 && data[0] === 0xff;
    return isFour || isOne ? undefined : { code: 'tcg-event.separator-data', detail: shownBytes(data) };
  }
}
