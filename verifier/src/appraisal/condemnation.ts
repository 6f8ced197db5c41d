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
  /** revision of the Reference Values under which it was pronounced */
  readonly referenceRevision: number;
}

export interface Circumstances {
  readonly purpose: Purpose;
  readonly now: number;
  readonly referenceRevision: number;
  /** the accepted boot before this appraisal, or the boot named by the terminal; [0, 0] where nothing is known */
  readonly lastBoot: BootIdentity;
}

/** The condemnation after an appraisal: kept, ended, or pronounced. `unknown` results touch nothing. */
export function condemnationAfter(
  before: Condemnation | undefined,
  result: AttestationResult,
  circumstances: Circumstances,
): Condemnation | undefined {
  if (result.verdict === 'unknown') return before;
  if (result.verdict === 'untrusted') return pronounced(before, result, circumstances);
  if (before === undefined) return undefined;
  if (before.endsBy === 'enrolment') return diverged(before, circumstances);
  return ends(before, result, circumstances) ? undefined : before;
}

/** A newer finding replaces an older one, except that only enrolment ends a break of identity. */
function pronounced(
  before: Condemnation | undefined,
  result: AttestationResult,
  { now, referenceRevision, lastBoot }: Circumstances,
): Condemnation {
  if (before?.endsBy === 'enrolment') return before;
  const codes = codesOf(result.findings);
  const newest = result.boot !== undefined && compareBootIdentity(result.boot, lastBoot) > 0 ? result.boot : lastBoot;
  const boot = { resetCount: newest.resetCount, restartCount: newest.restartCount };
  return { codes, at: now, endsBy: endOf(codes), boot, referenceRevision };
}

/** Evidence on the accepted line after a break: both holders are alive (F-20). */
function diverged(before: Condemnation, { now }: Circumstances): Condemnation {
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
