import { equalBytes } from '../bytes/equal.ts';
import { toHex } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import { shownBytes, shownText } from '../tcg-log/shown-text.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import type { PcrValues } from '../tpm/pcr.ts';
import type { ImaAnomaly, ImaAnomalyCode } from './anomaly.ts';
import { BOOT_AGGREGATE, bootAggregate } from './boot-aggregate.ts';
import type { ImaEntry } from './entry.ts';
import { type FileDigest, type FileMeasurement, fileMeasurement } from './file-measurement.ts';
import type { ImaFinding } from './replay.ts';
import { type ImaKey, type ImaSigner, imaSigner } from './signature.ts';

/** What a list is held against. */
export interface ImaExpectations {
  /** PCR values of the boot, of which PCR 0 to 9 give the boot aggregate */
  readonly pcrs?: PcrValues;
  /** keys that may sign files; without them signatures are not looked at */
  readonly keys?: readonly ImaKey[];
  /** whether a second boot aggregate is expected, after kexec */
  readonly kexec?: boolean;
}

/** What was found about one entry; byte strings are views on it. */
export interface ExaminedEntry {
  /** undefined where the template is unknown or a field malformed */
  readonly file: FileMeasurement | undefined;
  /** undefined where no keys were given, or the entry carries no signature */
  readonly signer: ImaSigner | undefined;
  readonly anomalies: readonly ImaAnomaly[];
}

/** Of the boot aggregate: as the PCR values say, otherwise, or not checked: no entry, or values missing. */
export type BootAggregateState = 'matches' | 'differs' | 'unchecked';

/** Looks at the entries of one list, from its beginning, for what is odd about them. Memory does not grow with the list. */
export class ImaExamination {
  readonly #hashes: Hashes;
  readonly #expected: ImaExpectations;
  #bootAggregates = 0;
  #bootAggregate: BootAggregateState = 'unchecked';

  constructor(hashes: Hashes, expected: ImaExpectations) {
    this.#hashes = hashes;
    this.#expected = expected;
  }

  get bootAggregate(): BootAggregateState {
    return this.#bootAggregate;
  }

  /** @param finding what the replay said of it */
  take(entry: ImaEntry, finding: ImaFinding): ExaminedEntry {
    const found: [ImaAnomalyCode, string][] = [];
    if (finding === 'mismatch') found.push(['ima-entry.digest', shownBytes(entry.digest)]);
    const file = this.#file(entry, found);
    const isAggregate = file !== undefined && shownPath(file) === BOOT_AGGREGATE;
    if (isAggregate) this.#aggregate(file.digest, found);
    else if (entry.index === 0) found.push(['ima-entry.boot-aggregate-missing', 'the first entry is another']);
    const signer = file?.signature === undefined ? undefined : this.#signer(file, found);
    const anomalies = found.map(([code, detail]) => ({ code, detail, event: entry.index, offset: entry.offset }));
    return { file, signer, anomalies };
  }

  #file(entry: ImaEntry, found: [ImaAnomalyCode, string][]): FileMeasurement | undefined {
    try {
      const file = fileMeasurement(entry);
      if (file === undefined) found.push(['ima-entry.template', shownText(entry.template)]);
      return file;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      found.push(['ima-entry.form', shownBytes(entry.data)]);
      return undefined;
    }
  }

  #aggregate({ algorithm, digest }: FileDigest, found: [ImaAnomalyCode, string][]): void {
    this.#bootAggregates += 1;
    if (this.#bootAggregates > 1) {
      if (this.#expected.kexec !== true)
        found.push(['ima-entry.boot-aggregate-repeated', `number ${this.#bootAggregates}`]);
      return;
    }
    const bank = (Object.keys(HASHES) as HashName[]).find((name) => name === algorithm);
    const { pcrs } = this.#expected;
    const wanted = bank && pcrs && bootAggregate(bank, pcrs, this.#hashes[bank]);
    if (wanted === undefined) return;
    this.#bootAggregate = equalBytes(wanted, digest) ? 'matches' : 'differs';
    if (this.#bootAggregate === 'differs')
      found.push(['ima-entry.boot-aggregate', `${toHex(digest)}; the PCR values give ${toHex(wanted)}`]);
  }

  #signer(file: FileMeasurement, found: [ImaAnomalyCode, string][]): ImaSigner | undefined {
    const { keys } = this.#expected;
    if (keys === undefined) return undefined;
    const signer = imaSigner(file, keys);
    if (signer.status === 'bad') found.push(['ima-entry.signature', `${signer.reason}, ${shownPath(file)}`]);
    return signer;
  }
}

/** A path for a person's screen: printable ASCII as it is, any other byte with escapes (F-95). */
export function shownPath({ path }: FileMeasurement): string {
  let text = '';
  for (const byte of path) text += String.fromCharCode(byte);
  return shownText(text);
}
