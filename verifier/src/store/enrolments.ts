import { equalBytes } from '@mtm-attest/protocol';
import type { Selectable } from 'kysely';
import type { EnrolmentChange } from '../endpoint/services.ts';
import { raiseAlarm } from './alarms.ts';
import { condemnationColumn } from './json-column.ts';
import type { Database } from './open.ts';
import type { TerminalsTable, TokensTable } from './tables.ts';
import { writeAccepted } from './terminal-row.ts';

export type EnrolmentOutcome = 'enrolled' | 'token-reused' | 'token-invalid' | 'same-ak';

type TokenRow = Selectable<TokensTable>;
type TerminalRow = Selectable<TerminalsTable>;

/**
 * Consumes a token and writes the enrolment. Everything happens in the caller's transaction: a token is never used without its
 * enrolment, and no enrolment is written without its token.
 *
 * `enrolled` is also the answer to the same token with the same AK and session key once more; nothing is written then.
 * `token-reused`: a used token came with another AK; an alarm is raised and the terminal is unknown until a person resolves it.
 * `same-ak`: a break of identity is not healed by enrolling the same AK anew.
 */
export async function consumeToken(
  tx: Database,
  operator: string,
  change: EnrolmentChange,
  now: number,
): Promise<EnrolmentOutcome> {
  const token = await tx
    .selectFrom('tokens')
    .selectAll()
    .where('operator', '=', operator)
    .where('secret_hash', '=', change.secretHash)
    .executeTakeFirst();
  if (token === undefined || token.terminal !== change.terminal) return 'token-invalid';
  const terminal = await tx
    .selectFrom('terminals')
    .selectAll()
    .where('operator', '=', operator)
    .where('terminal', '=', change.terminal)
    .executeTakeFirst();
  if (token.consumed_at !== null) return await presentedAgain(tx, token, terminal, change, now);
  if (now > token.expires_at) return 'token-invalid';
  const sameAk = terminal !== undefined && equalBytes(terminal.ak_name, change.akName);
  if (sameAk && awaitsNewAk(terminal)) return 'same-ak';
  await tx
    .updateTable('tokens')
    .set({ consumed_at: now, ak_name: change.akName, session_key: change.sessionKey })
    .where('operator', '=', operator)
    .where('secret_hash', '=', change.secretHash)
    .execute();
  await writeEnrolment(tx, token, terminal, change, now, sameAk);
  return 'enrolled';
}

/** A break of identity ends with a new AK alone. */
function awaitsNewAk({ condemned }: TerminalRow): boolean {
  return condemned !== null && condemnationColumn.read(condemned).endsBy === 'enrolment';
}

/** A used token: its own holder gets the same answer, everybody else is a reuse while the token would still be valid. */
async function presentedAgain(
  tx: Database,
  token: TokenRow,
  terminal: TerminalRow | undefined,
  change: EnrolmentChange,
  now: number,
): Promise<EnrolmentOutcome> {
  const { ak_name: akName, session_key: sessionKey } = token;
  if (akName === null || sessionKey === null || terminal === undefined) return 'token-invalid';
  if (equalBytes(akName, change.akName)) {
    const present = equalBytes(terminal.ak_name, akName) && equalBytes(terminal.session_key, sessionKey);
    return present && equalBytes(sessionKey, change.sessionKey) ? 'enrolled' : 'token-invalid';
  }
  if (now > token.expires_at) return 'token-invalid';
  await tx
    .updateTable('terminals')
    .set((eb) => ({ unknown_code: 'enrolment.token-reused', version: eb('version', '+', 1) }))
    .where('operator', '=', token.operator)
    .where('terminal', '=', token.terminal)
    .execute();
  const detail = 'a used enrolment token was presented with another attestation key';
  await raiseAlarm(tx, token.operator, { code: 'enrolment.token-reused', terminal: token.terminal, detail, at: now });
  return 'token-reused';
}

/** Floors belong to an AK: with a new one the terminal begins anew, with the same one it keeps what was accepted and found. */
async function writeEnrolment(
  tx: Database,
  token: TokenRow,
  before: TerminalRow | undefined,
  change: EnrolmentChange,
  now: number,
  sameAk: boolean,
): Promise<void> {
  const enrolment = {
    class: token.class,
    model: token.model,
    ak_public: change.akPublic,
    ak_name: change.akName,
    qualified_name: change.qualifiedName,
    session_key: change.sessionKey,
    enrolled_at: now,
    admission: 'enrolled' as const,
    last_seen_at: now,
    next_audit_at: now,
  };
  const anew = {
    last_affirmed_at: null,
    pending_at: null,
    late_code: null,
    condemned: null,
    unknown_code: null,
    info: '[]',
    ...writeAccepted(undefined),
  };
  if (before === undefined) {
    const { operator, terminal } = token;
    const recorded = { session: 0, version: 0, last_verdict: null, last_code: null };
    const row: TerminalsTable = { operator, terminal, ...enrolment, ...anew, ...recorded };
    await tx.insertInto('terminals').values(row).execute();
    return;
  }
  await tx
    .updateTable('terminals')
    .set((eb) => ({
      ...enrolment,
      ...(sameAk ? {} : anew),
      session: eb('session', '+', 1),
      version: eb('version', '+', 1),
    }))
    .where('operator', '=', token.operator)
    .where('terminal', '=', token.terminal)
    .execute();
}
