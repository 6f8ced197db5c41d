import type { Database } from './open.ts';

export interface NewAlarm {
  readonly code: string;
  readonly terminal: string | undefined;
  readonly detail: string;
  readonly at: number;
}

export interface Alarm extends NewAlarm {
  readonly sequence: number;
  /** when it was last repeated */
  readonly lastAt: number;
  readonly count: number;
}

/** Repetitions within this time after the last are counted, not listed: a stranger cannot fill the store (F-54). */
export const ALARM_REPEAT_MS = 600_000;

/** Tells the operator something. The detail kept is the first one's. */
export async function raiseAlarm(db: Database, operator: string, alarm: NewAlarm): Promise<void> {
  const { code, terminal, detail, at } = alarm;
  const before = await db
    .selectFrom('alarms')
    .select(['sequence', 'last_at'])
    .where('operator', '=', operator)
    .where('terminal', terminal === undefined ? 'is' : '=', terminal ?? null)
    .where('code', '=', code)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (before !== undefined && at - before.last_at < ALARM_REPEAT_MS) {
    await db
      .updateTable('alarms')
      .set((eb) => ({ count: eb('count', '+', 1), last_at: Math.max(at, before.last_at) }))
      .where('operator', '=', operator)
      .where('sequence', '=', before.sequence)
      .execute();
    return;
  }
  const last = await db
    .selectFrom('alarms')
    .select('sequence')
    .where('operator', '=', operator)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  const sequence = last === undefined ? 0 : last.sequence + 1;
  const row = { operator, sequence, at, last_at: at, count: 1, terminal: terminal ?? null, code, detail };
  await db.insertInto('alarms').values(row).execute();
}

/** Newest first. @param before the sequence of the last one already seen */
export async function listAlarms(
  db: Database,
  operator: string,
  limit: number,
  before: number = Number.MAX_SAFE_INTEGER,
): Promise<readonly Alarm[]> {
  const rows = await db
    .selectFrom('alarms')
    .selectAll()
    .where('operator', '=', operator)
    .where('sequence', '<', before)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    sequence: row.sequence,
    at: row.at,
    lastAt: row.last_at,
    count: row.count,
    terminal: row.terminal ?? undefined,
    code: row.code,
    detail: row.detail,
  }));
}
