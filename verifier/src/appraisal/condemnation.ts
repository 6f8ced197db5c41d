import { type BootIdentity, compareBootIdentity, type Purpose, REASONS, type ReasonCode } from '@mtm-attest/protocol';
import type { AttestationResult } from './appraise.ts';
import type { Finding } from './finding.ts';

/** Why a terminal is untrusted, and what ends it (SPEC.md 7.6). It survives silence, disconnection and restarts. */
export interface Condemnation {
  readonly codes: readonly ReasonCode[];
  /** wall clock, milliseconds since 1970 */
  readonly at: number;
  readonly endsBy: 'boot' | 'reference' | 'enrolment';
  /** the newest boot known when it was pronounced */
  readonly boot: BootIdentity;
  /** set where no quote showed that boot: the terminal itself named it */
  readonly announced?: true;
  /** revision of the Reference Values under which it was pronounced */
  readonly referenceRevision: number;
}

export interface Circumstances {
  readonly purpose: Purpose;
  readonly now: number;
  readonly referenceRevision: number;
  /** the accepted boot before this appraisal; [0, 0] where nothing was accepted */
  readonly lastBoot: BootIdentity;
  /** the boot that the terminal itself named last, where no quote has verified since */
  readonly announcedBoot?: BootIdentity | undefined;
}

/** The condemnation after an appraisal: kept, ended, or pronounced. `unknown` results touch nothing. */
export function condemnationAfter(
  before: Condemnation | undefined,
  result: AttestationResult,
  circumstances: Circumstances,
): Condemnation | undefined {
  if (result.verdict === 'unknown') return before;
  if (before?.endsBy === 'enrolment') return diverged(before, result, circumstances);
  if (result.verdict === 'untrusted') return pronounced(before, result, circumstances);
  if (before === undefined) return undefined;
  if (isRefuted(before, result)) {
    const { codes, at, endsBy, referenceRevision } = before;
    return { codes, at, endsBy, referenceRevision, ...knownBoot(before, result, circumstances) };
  }
  return ends(before, result, circumstances) ? undefined : before;
}

/**
 * A newer finding replaces an older one, but does not make it easier to end: what only a later boot ends is not
 * ended by new Reference Values because a component of the same boot was found changed too.
 */
function pronounced(
  before: Condemnation | undefined,
  result: AttestationResult,
  circumstances: Circumstances,
): Condemnation {
  const { now, referenceRevision } = circumstances;
  const codes = codesOf(result.findings);
  const end = endOf(codes);
  const endsBy = end === 'reference' && before !== undefined && !showsLaterBoot(before, result) ? before.endsBy : end;
  return { codes, at: now, endsBy, referenceRevision, ...knownBoot(before, result, circumstances) };
}

/**
 * The newest boot that a quote showed; or the one that the terminal named, where it is later and no quote says otherwise. What is only named
 * is not believed for ever: the word of a terminal must not put its own rehabilitation out of reach.
 */
function knownBoot(
  before: Condemnation | undefined,
  result: AttestationResult,
  { lastBoot, announcedBoot }: Circumstances,
): Pick<Condemnation, 'boot' | 'announced'> {
  const proven = newest(lastBoot, result.boot, before?.announced === true ? undefined : before?.boot);
  if (result.boot !== undefined) return { boot: proven };
  const named = newest(proven, before?.boot, announcedBoot);
  return compareBootIdentity(named, proven) > 0 ? { boot: named, announced: true } : { boot: proven };
}

/** A quote of an earlier boot than the one that was only named. */
function isRefuted({ announced, boot }: Condemnation, result: AttestationResult): boolean {
  return announced === true && result.boot !== undefined && compareBootIdentity(result.boot, boot) < 0;
}

function showsLaterBoot({ boot }: Condemnation, result: AttestationResult): boolean {
  return result.boot !== undefined && compareBootIdentity(result.boot, boot) > 0;
}

function newest(first: BootIdentity, ...others: readonly (BootIdentity | undefined)[]): BootIdentity {
  let { resetCount, restartCount } = first;
  for (const one of others) {
    if (one !== undefined && compareBootIdentity(one, { resetCount, restartCount }) > 0) {
      ({ resetCount, restartCount } = one);
    }
  }
  return { resetCount, restartCount };
}

/**
 * A break of identity stays, whatever is found later. Evidence of the accepted boot, on the accepted line, whatever else is wrong with it, says
 * that both holders are alive (F-20); a later boot proves nothing of the kind.
 */
function diverged(before: Condemnation, result: AttestationResult, { now, lastBoot }: Circumstances): Condemnation {
  if (result.state === undefined || result.boot === undefined) return before;
  if (compareBootIdentity(result.boot, lastBoot) !== 0) return before;
  return before.codes.includes('identity.diverged') ? before : { ...before, codes: ['identity.diverged'], at: now };
}

function ends(before: Condemnation, result: AttestationResult, { purpose, referenceRevision }: Circumstances): boolean {
  if (purpose !== 'gate' || result.boot === undefined) return false;
  if (compareBootIdentity(result.boot, before.boot) > 0) return true;
  return before.endsBy === 'reference' && referenceRevision > before.referenceRevision;
}

function codesOf(findings: readonly Finding[]): readonly ReasonCode[] {
  return [...new Set(findings.map(({ code }) => code))].filter((code) => REASONS[code].kind !== 'state').slice(0, 16);
}

/** The severest end counts: one break of identity, or one fault that no Reference Value explains, decides. */
function endOf(codes: readonly ReasonCode[]): Condemnation['endsBy'] {
  const kinds = codes.map((code) => REASONS[code].kind);
  if (kinds.includes('enrolment')) return 'enrolment';
  return kinds.every((kind) => kind === 'reference') ? 'reference' : 'boot';
}
