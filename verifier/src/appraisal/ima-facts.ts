import {
  BOOT_AGGREGATE,
  decodeUtf8,
  equalBytes,
  type FileDigest,
  type FileMeasurement,
  fileMeasurement,
  IMA_PCR,
  type ImaEntry,
  type ImaFinding,
  ImaListFold,
  imaSigner,
  ProtocolError,
  shownPath,
  shownText,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { Finding } from './finding.ts';
import { pcrOf } from './firmware-facts.ts';
import type { ImaAllowed } from './input.ts';
import { toSign } from './to-sign.ts';

/** Where in a terminal's list an answer goes on. */
export interface ImaStart {
  /** entries accepted before */
  readonly count: number;
  /** the 24 values at that point, 768 bytes: only that of PCR 10 counts */
  readonly pcrs: Uint8Array;
}

/** What appraisal needs to know of an IMA list, or of what follows an accepted entry; bounded, whatever the list holds. */
export interface ImaFacts {
  readonly from: number;
  /** value of PCR 10 at `from` */
  readonly start: Uint8Array;
  /** entries of the whole list, those before `from` counted */
  readonly seen: number;
  /** how many entries the quote covers: the fewest that lead to its PCR 10; undefined where none do */
  readonly covered: number | undefined;
  /** value of PCR 10 at an earlier accepted entry, where that was asked for and reached */
  readonly prefix: Uint8Array | undefined;
  /** digest of the first entry, where it is a boot aggregate */
  readonly bootAggregate: FileDigest | undefined;
  /** about the entries covered, the first 16 */
  readonly findings: readonly Finding[];
  /** about the entries covered, the first 16 */
  readonly warnings: readonly Finding[];
  readonly malformed: string | undefined;
}

export interface ImaFoldQuestion {
  readonly allowed: ImaAllowed;
  readonly start: ImaStart;
  /** PCR 10 as the terminal says it was quoted, 32 bytes; empty where it does not say */
  readonly quoted: Uint8Array;
  /** entry at which the value of PCR 10 is wanted */
  readonly prefixAt: number | undefined;
}

const MAX_FINDINGS = 16;

/**
 * Folds an IMA list against what one release allows, piece by piece (F-29). The terminal reads its list after the quote, so it may be longer:
 * what is behind the entries that the quote covers counts as seen and as nothing else (F-28, spec-digest D.6.7).
 */
export class ImaFold {
  readonly #question: ImaFoldQuestion;
  readonly #start: Uint8Array;
  readonly #fold: ImaListFold;
  readonly #findings: Finding[] = [];
  readonly #warnings: Finding[] = [];
  #seen: number;
  #covered: number | undefined;
  #prefix: Uint8Array | undefined;
  #bootAggregate: FileDigest | undefined;
  #malformed: string | undefined;

  constructor(question: ImaFoldQuestion) {
    const { start, allowed, quoted, prefixAt } = question;
    this.#question = question;
    this.#start = pcrOf(start.pcrs, IMA_PCR).slice();
    this.#seen = start.count;
    if (equalBytes(this.#start, quoted)) this.#covered = start.count;
    if (prefixAt === start.count) this.#prefix = this.#start;
    const from = { entries: start.count, pcrs: { sha256: new Map([[IMA_PCR, this.#start]]) } };
    const listQuestion = { banks: ['sha256'] as const, rule: allowed.rule, from };
    this.#fold = new ImaListFold(nodeCrypto, listQuestion, (entry, finding) => {
      this.#entry(entry, finding);
    });
  }

  feed(piece: Uint8Array): void {
    this.#guarded(() => {
      this.#fold.feed(piece);
    });
  }

  /** @param isEmpty whether no byte came: nothing new since the accepted entries */
  end(isEmpty: boolean): ImaFacts {
    if (!isEmpty) this.#guarded(() => this.#fold.end());
    return {
      from: this.#question.start.count,
      start: this.#start,
      seen: this.#seen,
      covered: this.#covered,
      prefix: this.#prefix,
      bootAggregate: this.#bootAggregate,
      findings: this.#findings,
      warnings: this.#warnings,
      malformed: this.#malformed,
    };
  }

  #guarded(read: () => unknown): void {
    if (this.#malformed !== undefined) return;
    try {
      read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed = error.message;
    }
  }

  #entry(entry: ImaEntry, replayed: ImaFinding): void {
    const { quoted, prefixAt } = this.#question;
    this.#seen = entry.index + 1;
    if (this.#covered !== undefined && (prefixAt === undefined || prefixAt < this.#seen)) return;
    const value = this.#fold.state().pcrs.sha256?.get(IMA_PCR);
    if (this.#seen === prefixAt) this.#prefix = value;
    if (this.#covered !== undefined || value === undefined) return;
    this.#examine(entry, replayed);
    if (equalBytes(value, quoted)) this.#covered = this.#seen;
  }

  #examine(entry: ImaEntry, replayed: ImaFinding): void {
    const event = entry.index;
    const at = `entry ${event}`;
    if (entry.pcr !== IMA_PCR) {
      this.#find({
        code: 'ima.malformed',
        detail: `${at} stands in PCR ${entry.pcr}; only PCR ${IMA_PCR} is appraised`,
        event,
      });
      return;
    }
    if (replayed === 'mismatch') {
      this.#find({
        code: 'ima.template-digest',
        detail: `${at} shows ${toHex(entry.digest)}`,
        event,
        found: toHex(entry.digest),
      });
    }
    const file = measured(entry);
    if (replayed === 'violation') this.#violation(event, file);
    else if (file === undefined) {
      this.#find({
        code: 'ima.malformed',
        detail: `${at}: the template ${shownText(entry.template)} says no file and digest`,
        event,
      });
    } else if (event === 0 && shownPath(file) === BOOT_AGGREGATE) {
      this.#bootAggregate = { ...file.digest, digest: file.digest.digest.slice() };
    } else this.#file(event, file);
  }

  #violation(event: number, file: FileMeasurement | undefined): void {
    const component = file === undefined ? 'a file' : shownPath(file);
    const detail = `entry ${event}: ${component} was written while it was measured`;
    if (file !== undefined && this.#exclude(latin1(file.path)) !== undefined)
      this.#warn({ code: 'ima.excluded', detail, event, component });
    else if (this.#question.allowed.violations) this.#warn({ code: 'ima.violations', detail, event, component });
    else this.#find({ code: 'ima.violation', detail, event, component });
  }

  #file(event: number, file: FileMeasurement): void {
    const { allowed } = this.#question;
    const path = latin1(file.path);
    const found = toHex(file.digest.digest);
    if (allowed.files.get(path)?.has(found) === true) return;
    const signer = allowed.keys.length === 0 ? undefined : imaSigner(file, allowed.keys);
    if (signer?.status === 'signed') return;
    const component = shownPath(file);
    const exclude = this.#exclude(path);
    const about = { event, component, found };
    const what = `entry ${event}: ${component}, ${file.digest.algorithm} ${found}`;
    if (exclude !== undefined) {
      this.#warn({ code: 'ima.excluded', detail: `${what}; excluded below ${shownText(exclude)}`, ...about });
      return;
    }
    const why = allowed.files.has(path) ? 'other digests are listed' : 'the path is not listed';
    const signature = signer === undefined || signer.status === 'unsigned' ? '' : `; its signature: ${signer.status}`;
    this.#find({
      code: 'ima.unlisted',
      detail: `${what}: ${why}${signature}`,
      ...about,
      ...wouldAllow(file.path, found),
    });
  }

  #exclude(path: string): string | undefined {
    return this.#question.allowed.excludes.find((prefix) => path.startsWith(prefix));
  }

  #find(finding: Finding): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }

  #warn(warning: Finding): void {
    if (this.#warnings.length < MAX_FINDINGS) this.#warnings.push(warning);
  }
}

/** Only a path that is text can be listed. */
function wouldAllow(path: Uint8Array, digest: string): { readonly toSign?: string } {
  try {
    return { toSign: toSign({ path: decodeUtf8(path), digests: [digest] }) };
  } catch (error) {
    if (error instanceof ProtocolError) return {};
    throw error;
  }
}

function measured(entry: ImaEntry): FileMeasurement | undefined {
  try {
    return fileMeasurement(entry);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Paths are bytes that the measured side chose: one character each, so that nothing is lost and no encoding is guessed. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
