import {
  equalBytes,
  HASHES,
  PCR_BYTES,
  ProtocolError,
  type ReplayedTcgLog,
  resetPcrs,
  TCG_ANOMALIES,
  TCG_EVENT_TYPES,
  TcgLogFold,
  type TcgRecord,
  tcgEventName,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';

/** An event that extended a PCR, as far as appraisal needs it. */
export interface FirmwareEvent {
  /** position in the log, its header counted */
  readonly event: number;
  readonly pcr: number;
  readonly type: number;
  /** of the SHA-256 bank, 32 bytes; undefined where the event was not extended into it */
  readonly digest: Uint8Array | undefined;
  /** whether the type is known, the data has its form, and the digest is that of the data where the type promises it (F-27) */
  readonly isAsItsTypeSays: boolean;
  /** the data in words, printable ASCII, at most MAX_TEXT characters */
  readonly text: string;
}

/** What appraisal needs to know of a firmware log; bounded, whatever the log holds. */
export interface FirmwareFacts {
  /** values of the SHA-256 bank that the log leads to, 768 bytes: what our own log goes on from */
  readonly pcrs: Uint8Array;
  readonly events: readonly FirmwareEvent[];
  /** why the log cannot be believed, if so */
  readonly malformed: string | undefined;
}

const NO_ACTION = TCG_EVENT_TYPES.EV_NO_ACTION.code;
const SHA256 = HASHES.sha256.algorithm;
/** Real logs have some hundred events. */
const MAX_EVENTS = 8192;
const MAX_TEXT = 200;

/** Folds the firmware log of a terminal, piece by piece (F-29). Of several logs in one file the newest counts. */
export class FirmwareFold {
  readonly #fold: TcgLogFold;
  #events: FirmwareEvent[] = [];
  #malformed: string | undefined;
  #exceeded = false;

  constructor() {
    this.#fold = new TcgLogFold(nodeCrypto, (record, { proof, text }) => {
      if (record.index === 0) this.#events = [];
      if (record.type === NO_ACTION) return;
      if (this.#events.length === MAX_EVENTS) this.#exceeded = true;
      else
        this.#events.push({
          event: record.index,
          pcr: record.pcr,
          type: record.type,
          digest: sha256Of(record),
          isAsItsTypeSays: text.isWellFormed && proof !== 'contradicted' && tcgEventName(record.type) !== undefined,
          text: text.text.slice(0, MAX_TEXT),
        });
    });
  }

  /** True where the log has more events than are kept: it cannot be appraised. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  feed(piece: Uint8Array): void {
    this.#guarded(() => {
      this.#fold.feed(piece);
    });
  }

  end(): FirmwareFacts {
    const log = this.#guarded(() => this.#fold.end());
    const rejected = log?.anomalies.find(({ code }) => TCG_ANOMALIES[code].rejects);
    if (rejected !== undefined)
      this.#malformed ??= `event ${rejected.event ?? 0}, ${rejected.code}: ${rejected.detail}`;
    return { pcrs: this.#pcrs(log), events: this.#events, malformed: this.#malformed };
  }

  #pcrs(log: ReplayedTcgLog | undefined): Uint8Array {
    const pcrs = resetPcrs();
    if (log === undefined) return pcrs;
    if (log.isRejected) this.#malformed ??= 'the log cannot mean what it says';
    for (const [pcr, value] of log.pcrs.sha256.entries()) {
      if (value !== undefined) pcrs.set(value, pcr * PCR_BYTES);
      else this.#malformed ??= `an event of PCR ${pcr} has no digest of the SHA-256 bank`;
    }
    return pcrs;
  }

  #guarded<T>(read: () => T): T | undefined {
    if (this.#malformed !== undefined) return undefined;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed = error.message;
      return undefined;
    }
  }
}

function sha256Of({ digests }: TcgRecord): Uint8Array | undefined {
  return digests.find(({ algorithm }) => algorithm === SHA256)?.digest.slice();
}

/** Value of one PCR among 24. @returns a view, 32 bytes */
export function pcrOf(pcrs: Uint8Array, pcr: number): Uint8Array {
  return pcrs.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES);
}

/** Whether two sets of 24 values agree, but for the PCRs named. */
export function samePcrs(a: Uint8Array, b: Uint8Array, except: readonly number[]): boolean {
  for (let pcr = 0; pcr < a.length / PCR_BYTES; pcr++) {
    if (!except.includes(pcr) && !equalBytes(pcrOf(a, pcr), pcrOf(b, pcr))) return false;
  }
  return true;
}
