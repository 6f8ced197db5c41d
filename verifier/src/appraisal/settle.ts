import { type BootIdentity, compareBootIdentity, type Purpose, type ReasonCode } from '@mtm-attest/protocol';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import type { Standing } from '../liveness/verdict.ts';
import type { AttestationResult } from './appraise.ts';
import { type Condemnation, condemnationAfter } from './condemnation.ts';
import type { AcceptedState } from './input.ts';
import { isWarning } from './warning.ts';

/** What a result changes in a terminal's row. */
export interface Settled extends Standing {
  readonly admission: TerminalRecord['admission'];
  readonly accepted: AcceptedState | undefined;
  /** the boot that the terminal named last, where no quote has verified since */
  readonly announcedBoot: BootIdentity | undefined;
}

export interface Settling {
  readonly purpose: Purpose;
  /** wall clock at which the evidence came, milliseconds since 1970 */
  readonly at: number;
  readonly referenceRevision: number;
}

const NO_BOOT = { resetCount: 0, restartCount: 0 };

/** The row after a result: pure, so that a conflict can settle it once more on the newer row (SPEC.md 7.6, 7.7). */
export function settle(record: TerminalRecord, result: AttestationResult, settling: Settling): Settled {
  const { purpose, at, referenceRevision } = settling;
  const lastBoot = record.accepted ?? NO_BOOT;
  const condemned = condemnationAfter(record.condemned, result, {
    purpose,
    now: at,
    referenceRevision,
    lastBoot,
    announcedBoot: record.announcedBoot,
  });
  const affirmed = result.verdict === 'trusted' && condemned === undefined;
  return {
    condemned,
    unknownCode: unknownAfter(record, result),
    lastSeenAt: Math.max(at, record.lastSeenAt),
    lastAffirmedAt: affirmed ? at : record.lastAffirmedAt,
    pendingAt: purpose === 'gate' && result.verdict !== 'unknown' ? undefined : record.pendingAt,
    lateCode: affirmed ? undefined : record.lateCode,
    info: affirmed ? withWarnings(purpose === 'gate' ? infoAfter(record, result) : record.info, result) : record.info,
    admission: admissionAfter(record, result, affirmed && purpose === 'gate'),
    accepted: acceptedAfter(record, result, condemned),
    announcedBoot: result.boot === undefined ? record.announcedBoot : undefined,
  };
}

/** After a break of identity the accepted line stays the one of its boot, so that its genuine holder can still be told from the other. */
function acceptedAfter(
  { accepted }: TerminalRecord,
  { state }: AttestationResult,
  condemned: Condemnation | undefined,
): AcceptedState | undefined {
  if (state === undefined) return accepted;
  const frozen =
    condemned?.endsBy === 'enrolment' && accepted !== undefined && compareBootIdentity(accepted, state) !== 0;
  return frozen ? accepted : state;
}

function admissionAfter(record: TerminalRecord, result: AttestationResult, admits: boolean): Settled['admission'] {
  if (admits) return 'admitted';
  return result.verdict === 'untrusted' ? 'suspended' : record.admission;
}

/** A reused token waits for a person; everything else that left the verifier without an answer ends with one. */
function unknownAfter(record: TerminalRecord, result: AttestationResult): ReasonCode | undefined {
  if (record.unknownCode === 'enrolment.token-reused') return record.unknownCode;
  return result.verdict === 'unknown' ? (result.findings[0]?.code ?? 'verifier.malfunction') : undefined;
}

/** What the release takes and somebody should know stays visible until the next gate. */
function withWarnings(info: readonly ReasonCode[], { warnings }: AttestationResult): readonly ReasonCode[] {
  return warnings.length === 0 ? info : [...new Set([...info, ...warnings.map(({ code }) => code)])];
}

function infoAfter(record: TerminalRecord, result: AttestationResult): readonly ReasonCode[] {
  const before = record.accepted;
  if (before === undefined || result.state === undefined) return [];
  if (compareBootIdentity(before, result.state) === 0) return record.info.filter((code) => !isWarning(code));
  return before.release === result.state.release ? ['boot.new'] : ['release.new', 'boot.new'];
}
