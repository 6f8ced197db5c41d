import { utf8 } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import { HASHES, type HashName, hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { TCG_EVENT_TYPES } from './event-type.ts';
import type { TcgRecord } from './record.ts';

export const BANKS = Object.keys(HASHES) as readonly HashName[];
const PCRS = 24;
const NO_ACTION = TCG_EVENT_TYPES.EV_NO_ACTION.code;
const HCRTM = TCG_EVENT_TYPES.EV_EFI_HCRTM_EVENT.code;
const STARTUP_LOCALITY = utf8('StartupLocality\0');
/** Localities of TPM2_Startup that a log can name: 0, 3, and 4 for an H-CRTM before it (PC Client Platform Firmware Profile 10.4.5.3). */
const LOCALITIES: readonly number[] = [0, 3, 4];
const HCRTM_LOCALITY = 4;

/** The value of a PCR, or undefined where it does not follow from the log: an event that extended it has no digest for this bank. */
export type ReplayedPcr = Uint8Array | undefined;

/**
 * PCR values that a log leads to, in every bank that we know: from the reset values (17 to 22 all ones, the others zeros), by
 * `value := H(value || digest)` for every record but EV_NO_ACTION. Memory for 24 values of each bank.
 *
 * PCR 0 begins with the locality of TPM2_Startup in its last byte: where the log names it, and 4 where its first event is that of an H-CRTM.
 */
export class TcgReplay {
  readonly #hashes: Hashes;
  readonly #banks: Readonly<Record<HashName, BankReplay>>;
  #locality: number | undefined;
  #isPcr0Extended = false;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
    this.#banks = { sha1: bank('sha1'), sha256: bank('sha256'), sha384: bank('sha384'), sha512: bank('sha512') };
  }

  /** As the log names it or its first event shows it; undefined: 0 */
  get startupLocality(): number | undefined {
    return this.#locality;
  }

  /** 24 values by index, copies */
  values(name: HashName): readonly ReplayedPcr[] {
    return this.#banks[name].values.map((value) => value?.slice());
  }

  /** @throws ProtocolError `tcg-log.startup-locality`: none that there is, named twice, or after PCR 0 was extended */
  take(record: TcgRecord): void {
    const { pcr, type, digests } = record;
    if (type === NO_ACTION) return this.#takeLocality(record);
    if (pcr === 0) this.#beginPcr0(type);
    const present: HashName[] = [];
    for (const { algorithm, digest } of digests) {
      const name = hashName(algorithm);
      if (name === undefined) continue;
      present.push(name);
      this.#banks[name].extend(pcr, digest, this.#hashes[name]);
    }
    for (const name of BANKS) if (!present.includes(name)) this.#banks[name].values[pcr] = undefined;
  }

  #takeLocality({ pcr, data, offset }: TcgRecord): void {
    if (pcr !== 0 || !STARTUP_LOCALITY.every((byte, i) => data[i] === byte)) return;
    const locality = data[STARTUP_LOCALITY.length] ?? -1;
    const isRight = data.length === STARTUP_LOCALITY.length + 1 && LOCALITIES.includes(locality);
    if (!isRight || this.#isPcr0Extended || this.#locality !== undefined) {
      throw new ProtocolError('tcg-log.startup-locality', offset);
    }
    this.#setLocality(locality);
  }

  #beginPcr0(type: number): void {
    if (!this.#isPcr0Extended && this.#locality === undefined && type === HCRTM) this.#setLocality(HCRTM_LOCALITY);
    this.#isPcr0Extended = true;
  }

  #setLocality(locality: number): void {
    this.#locality = locality;
    for (const name of BANKS) this.#banks[name].values[0]?.fill(locality, -1);
  }
}

class BankReplay {
  readonly values: ReplayedPcr[];
  readonly #size: number;
  readonly #input: Uint8Array;

  constructor(size: number) {
    this.values = Array.from({ length: PCRS }, (_, pcr) =>
      new Uint8Array(size).fill(pcr >= 17 && pcr <= 22 ? 0xff : 0),
    );
    this.#size = size;
    this.#input = new Uint8Array(2 * size);
  }

  extend(pcr: number, digest: Uint8Array, hash: (bytes: Uint8Array) => Uint8Array): void {
    const value = this.values[pcr];
    if (value === undefined) return;
    this.#input.set(value);
    this.#input.set(digest, this.#size);
    this.values[pcr] = hash(this.#input);
  }
}

function bank(name: HashName): BankReplay {
  return new BankReplay(HASHES[name].size);
}
