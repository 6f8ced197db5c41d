import { isReasonCode, type ReasonCode, TERMINAL_CLASSES } from '@mtm-attest/protocol';
import type { Selectable } from 'kysely';
import type { AcceptedState } from '../appraisal/input.ts';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import { VerifierError } from '../error.ts';
import { bootColumn, condemnationColumn, reasonCodesColumn } from './json-column.ts';
import type { AcceptedColumns, TerminalsTable } from './tables.ts';

type Row = Selectable<TerminalsTable>;

export const ACCEPTED_COLUMNS = [
  'reset_count',
  'restart_count',
  'clock',
  'safe',
  'event_count',
  'pcrs',
  'audit_counter',
  'release',
  'list_digest',
  'reference_digest',
  'ima_count',
  'ima_seen',
] as const satisfies readonly (keyof AcceptedColumns)[];

const NOTHING_ACCEPTED: AcceptedColumns = {
  reset_count: null,
  restart_count: null,
  clock: null,
  safe: null,
  event_count: null,
  pcrs: null,
  audit_counter: null,
  release: null,
  list_digest: null,
  reference_digest: null,
  ima_count: null,
  ima_seen: null,
};

/** @throws VerifierError `store.value` */
export function readTerminal(row: Row): TerminalRecord {
  return {
    terminal: row.terminal,
    class: oneOf(TERMINAL_CLASSES, row.class),
    model: row.model,
    akPublic: row.ak_public,
    akName: row.ak_name,
    qualifiedName: row.qualified_name,
    sessionKey: row.session_key,
    ekName: row.ek_name ?? undefined,
    enrolledAt: row.enrolled_at,
    admission: row.admission,
    session: row.session,
    version: row.version,
    lastSeenAt: row.last_seen_at,
    lastAffirmedAt: row.last_affirmed_at ?? undefined,
    pendingAt: row.pending_at ?? undefined,
    nextAuditAt: row.next_audit_at,
    lateCode: row.late_code ?? undefined,
    condemned: row.condemned === null ? undefined : condemnationColumn.read(row.condemned),
    unknownCode: row.unknown_code === null ? undefined : readReason(row.unknown_code),
    info: row.info === '[]' ? [] : reasonCodesColumn.read(row.info),
    accepted: readAccepted(row),
    announcedBoot: row.announced_boot === null ? undefined : bootColumn.read(row.announced_boot),
  };
}

/** Against no Reference Values at all: the whole log is asked for next. */
const NO_REFERENCE = new Uint8Array(32);

function readAccepted(row: AcceptedColumns): AcceptedState | undefined {
  const { reset_count, restart_count, clock, safe, event_count, pcrs, audit_counter, release, list_digest } = row;
  if (reset_count === null) return undefined;
  if (restart_count === null || clock === null || safe === null || event_count === null)
    throw badValue('accepted state');
  if (pcrs === null || audit_counter === null || release === null || list_digest === null)
    throw badValue('accepted state');
  return {
    resetCount: reset_count,
    restartCount: restart_count,
    clock: BigInt(clock),
    safe: safe === 1,
    count: event_count,
    pcrs,
    auditCounter: BigInt(audit_counter),
    release,
    listDigest: list_digest,
    referenceDigest: row.reference_digest ?? NO_REFERENCE,
    imaCount: row.ima_count ?? 0,
    imaSeen: row.ima_seen ?? 0,
  };
}

export function writeAccepted(accepted: AcceptedState | undefined): AcceptedColumns {
  if (accepted === undefined) return NOTHING_ACCEPTED;
  return {
    reset_count: accepted.resetCount,
    restart_count: accepted.restartCount,
    clock: accepted.clock.toString(),
    safe: accepted.safe ? 1 : 0,
    event_count: accepted.count,
    pcrs: accepted.pcrs,
    audit_counter: accepted.auditCounter.toString(),
    release: accepted.release,
    list_digest: accepted.listDigest,
    reference_digest: accepted.referenceDigest,
    ima_count: accepted.imaCount,
    ima_seen: accepted.imaSeen,
  };
}

/** The columns of the accepted state alone, of whatever row holds them. */
export function acceptedColumns(row: AcceptedColumns): AcceptedColumns {
  const { reset_count, restart_count, clock, safe, event_count, pcrs, audit_counter, release, list_digest } = row;
  const { reference_digest, ima_count, ima_seen } = row;
  return {
    reset_count,
    restart_count,
    clock,
    safe,
    event_count,
    pcrs,
    audit_counter,
    release,
    list_digest,
    reference_digest,
    ima_count,
    ima_seen,
  };
}

export function readReason(code: string): ReasonCode {
  if (!isReasonCode(code)) throw badValue('reason code');
  return code;
}

export function oneOf<T extends string>(allowed: readonly T[], value: string): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw badValue('choice');
  return found;
}

function badValue(what: string): VerifierError {
  return new VerifierError('store.value', what);
}
