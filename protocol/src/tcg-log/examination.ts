import { hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import type { TcgAnomaly, TcgAnomalyCode } from './anomaly.ts';
import { type TcgProof, tcgProof } from './coverage.ts';
import { type TcgEventText, tcgEventText } from './event-text.ts';
import { TCG_EVENT_TYPES, tcgEventName } from './event-type.ts';
import type { TcgRecord } from './record.ts';
import { type SecureBootState, SecureBootWatch } from './secure-boot.ts';
import { SeparatorWatch } from './separators.ts';
import { shownBytes, textOf } from './shown-text.ts';

const NO_ACTION = TCG_EVENT_TYPES.EV_NO_ACTION.code;
const HCRTM = TCG_EVENT_TYPES.EV_EFI_HCRTM_EVENT.code;
const EFI_ACTION = TCG_EVENT_TYPES.EV_EFI_ACTION.code;
const FIRST_UEFI_TYPE = 0x80000000;
const NO_PCR = 0xffffffff;
const HCRTM_LOCALITY = 4;
/** EV_EFI_ACTION of PCR 5 (PC Client Platform Firmware Profile 10.4.4) */
const EXIT = 'Exit Boot Services Invocation';

/** What was found about one record. */
export interface ExaminedRecord {
  readonly proof: TcgProof;
  readonly text: TcgEventText;
  readonly anomalies: readonly TcgAnomaly[];
}

/** Looks at the records of one log, in order, for what is odd about them. Memory does not grow with the log. */
export class TcgExamination {
  readonly #hashes: Hashes;
  readonly #separators: SeparatorWatch;
  readonly #secureBoot = new SecureBootWatch();
  #uintnBytes: 4 | 8 = 8;
  /** TPM_ALG_IDs of the header; empty for SHA-1 logs */
  #algorithms: readonly number[] = [];
  #isBankMissing = false;
  #isPcr0Extended = false;
  #isUefi = false;
  #hasLeftBootServices = false;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
    this.#separators = new SeparatorWatch(hashes);
  }

  get secureBoot(): SecureBootState {
    return this.#secureBoot.state();
  }

  /** @param locality of startup, as the log names it before this record */
  take(record: TcgRecord, locality: number | undefined): ExaminedRecord {
    const { specId, type, data } = record;
    if (specId !== undefined) {
      this.#algorithms = specId.algorithms.map(({ algorithm }) => algorithm);
      this.#uintnBytes = specId.uintnBytes === 4 ? 4 : 8;
    }
    const found: [TcgAnomalyCode, string][] = [];
    const text = tcgEventText(type, data, this.#uintnBytes);
    if (tcgEventName(type) === undefined) found.push(['tcg-event.type', `0x${type.toString(16)}`]);
    if (!text.isWellFormed) found.push(['tcg-event.form', shownBytes(data)]);
    const proof = type === NO_ACTION ? 'uncovered' : tcgProof(record, this.#hashes);
    if (type === NO_ACTION) this.#noAction(record, found);
    else this.#extending(record, proof, locality, found);
    const anomalies = found.map(([code, detail]) => ({ code, detail, event: record.index, offset: record.offset }));
    return { proof, text, anomalies };
  }

  /** What is missing at the end of the log. */
  end(): readonly TcgAnomaly[] {
    const anomalies: TcgAnomaly[] = [];
    const separators = this.#separators.end();
    if (separators !== undefined) anomalies.push(separators);
    if (this.#isUefi && !this.#hasLeftBootServices) {
      anomalies.push({ code: 'tcg-event.exit-boot-services', detail: `no EV_EFI_ACTION "${EXIT}"` });
    }
    return anomalies;
  }

  #noAction({ pcr, digests }: TcgRecord, found: [TcgAnomalyCode, string][]): void {
    const other = digests.find(({ digest }) => digest.some((byte) => byte !== 0));
    if (pcr !== NO_PCR && other !== undefined) found.push(['tcg-event.no-action-digest', shownBytes(other.digest)]);
  }

  #extending(
    record: TcgRecord,
    proof: TcgProof,
    locality: number | undefined,
    found: [TcgAnomalyCode, string][],
  ): void {
    const { pcr, type, digests, data } = record;
    if (proof === 'contradicted') found.push(['tcg-event.data-digest', tcgEventName(type) ?? '']);
    const missing = this.#algorithms.filter((one) => !digests.some(({ algorithm }) => algorithm === one));
    if (missing.length > 0 && !this.#isBankMissing) {
      this.#isBankMissing = true;
      const names = missing.map((algorithm) => hashName(algorithm) ?? `0x${algorithm.toString(16)}`);
      found.push(['tcg-event.bank-missing', `${names.join(', ')}; the first such event`]);
    }
    if (type === HCRTM && (this.#isPcr0Extended || pcr !== 0 || (locality ?? HCRTM_LOCALITY) !== HCRTM_LOCALITY)) {
      found.push(['tcg-event.hcrtm', `PCR ${pcr}, startup locality ${locality ?? 'not named'}`]);
    }
    if (pcr === 0) this.#isPcr0Extended = true;
    if (type > FIRST_UEFI_TYPE) this.#isUefi = true;
    if (type === EFI_ACTION && proof === 'covered' && textOf(data) === EXIT) this.#hasLeftBootServices = true;
    const secureBoot = this.#secureBoot.take(record, proof, this.#separators.isAfter(pcr));
    for (const odd of [secureBoot, this.#separators.take(record)])
      if (odd !== undefined) found.push([odd.code, odd.detail]);
  }
}
