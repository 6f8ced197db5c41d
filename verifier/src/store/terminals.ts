import type { BootIdentity } from '@mtm-attest/protocol';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import { bootColumn } from './json-column.ts';
import type { Database } from './open.ts';
import { readTerminal } from './terminal-row.ts';

export async function findTerminal(
  db: Database,
  operator: string,
  terminal: string,
): Promise<TerminalRecord | undefined> {
  const row = await db
    .selectFrom('terminals')
    .selectAll()
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .executeTakeFirst();
  return row === undefined ? undefined : readTerminal(row);
}

/** Terminals in the order of their ids. @param after the last id already seen */
export async function listTerminals(
  db: Database,
  operator: string,
  limit: number,
  after?: string,
): Promise<readonly TerminalRecord[]> {
  const rows = await db
    .selectFrom('terminals')
    .selectAll()
    .where('operator', '=', operator)
    .where('terminal', '>', after ?? '')
    .orderBy('terminal')
    .limit(limit)
    .execute();
  return rows.map(readTerminal);
}

export async function sessionOf(db: Database, operator: string, terminal: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('terminals')
    .select('session')
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .executeTakeFirst();
  return row?.session;
}

/** A proven connection begins a new session: results of an older one never commit. @returns the row after it */
export async function raiseSession(
  db: Database,
  operator: string,
  terminal: string,
  at: number,
): Promise<TerminalRecord | undefined> {
  const row = await db
    .updateTable('terminals')
    .set((eb) => ({ session: eb('session', '+', 1), last_seen_at: at }))
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : readTerminal(row);
}

/** A new boot was announced: not admitted until it has been appraised at the gate. @returns false where the session is gone */
export async function announceBoot(
  db: Database,
  operator: string,
  terminal: string,
  session: number,
  boot: BootIdentity,
  at: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('terminals')
    .set((eb) => ({
      admission: 'enrolled',
      pending_at: at,
      announced_boot: bootColumn.write(boot),
      last_seen_at: at,
      version: eb('version', '+', 1),
    }))
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .where('session', '=', session)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Evidence came late or for no open challenge; the next affirming result clears it. */
export async function noteLate(
  db: Database,
  operator: string,
  terminal: string,
  session: number,
  code: NonNullable<TerminalRecord['lateCode']>,
): Promise<void> {
  await db
    .updateTable('terminals')
    .set({ late_code: code })
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .where('session', '=', session)
    .execute();
}

/** A person has looked into a reused token: the terminal's verdict follows from its evidence again. */
export async function resolveTerminal(
  db: Database,
  operator: string,
  terminal: string,
): Promise<'resolved' | 'nothing-open' | 'unknown'> {
  const { numUpdatedRows } = await db
    .updateTable('terminals')
    .set((eb) => ({ unknown_code: null, version: eb('version', '+', 1) }))
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .where('unknown_code', '=', 'enrolment.token-reused')
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 1n) return 'resolved';
  return (await sessionOf(db, operator, terminal)) === undefined ? 'unknown' : 'nothing-open';
}
