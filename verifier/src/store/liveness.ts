import type { Selectable } from 'kysely';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import type { JudgedVerdict, Outage } from '../liveness/verdict.ts';
import { outageColumn } from './json-column.ts';
import { readMeta, writeMeta } from './meta.ts';
import type { Database } from './open.ts';
import { latestResultAt, shownCode } from './results.ts';
import type { TerminalsTable } from './tables.ts';
import { readTerminal } from './terminal-row.ts';

const TOUCHED_AT_ONCE = 500;
const SWEPT_AT_ONCE = 500;

/** A proven connection's session. */
export interface SeenSession {
  readonly terminal: string;
  readonly session: number;
}

/**
 * Notes that these terminals were connected at a moment, by their present session: a connection that a newer one took over, at whatever
 * verifier, says nothing of its terminal any more. Versions stay: no result in progress is disturbed.
 */
export async function touchLastSeen(
  db: Database,
  operator: string,
  terminals: readonly SeenSession[],
  at: number,
): Promise<void> {
  for (let from = 0; from < terminals.length; from += TOUCHED_AT_ONCE) {
    const some = terminals.slice(from, from + TOUCHED_AT_ONCE);
    await db
      .updateTable('terminals')
      .set({ last_seen_at: at })
      .where('operator', '=', operator)
      .where((eb) =>
        eb(
          eb.refTuple('terminal', 'session'),
          'in',
          some.map(({ terminal, session }) => eb.tuple(terminal, session)),
        ),
      )
      .where('last_seen_at', '<', at)
      .execute();
  }
}

/** When a verifier of this operator last said that it runs. */
export async function readHeartbeat(db: Database, operator: string): Promise<number | undefined> {
  const text = await readMeta(db, operator, 'heartbeat');
  return text === undefined ? undefined : Number(text);
}

export async function writeHeartbeat(db: Database, operator: string, at: number): Promise<void> {
  await writeMeta(db, operator, 'heartbeat', String(at));
}

/** The time for which nobody is blamed, as a verifier of this operator noted it last. */
export async function readOutage(db: Database, operator: string): Promise<Outage | undefined> {
  const text = await readMeta(db, operator, 'outage');
  return text === undefined ? undefined : outageColumn.read(text);
}

export async function writeOutage(db: Database, operator: string, outage: Outage): Promise<void> {
  await writeMeta(db, operator, 'outage', outageColumn.write(outage));
}

/** The latest moment that the store knows of: a clock that stands before it was put back. 0 in an empty store. */
export async function latestMoment(db: Database, operator: string): Promise<number> {
  return Math.max((await readHeartbeat(db, operator)) ?? 0, (await latestResultAt(db, operator)) ?? 0);
}

/**
 * Records every verdict that time changed since it was last recorded, so that histories show it.
 *
 * @param judge the verdict of a row at `now`
 * @returns how many changed
 */
export async function recordVerdictChanges(
  db: Database,
  operator: string,
  now: number,
  judge: (record: TerminalRecord) => JudgedVerdict,
): Promise<number> {
  let changed = 0;
  let after = '';
  for (;;) {
    const rows = await db
      .selectFrom('terminals')
      .selectAll()
      .where('operator', '=', operator)
      .where('terminal', '>', after)
      .orderBy('terminal')
      .limit(SWEPT_AT_ONCE)
      .execute();
    const changes = rows.flatMap((row) => {
      const { verdict, codes } = judge(readTerminal(row));
      const code = shownCode(verdict, codes);
      const same = verdict === row.last_verdict && code === row.last_code;
      return same ? [] : [{ row, verdict, code }];
    });
    if (changes.length > 0) changed += await record(db, operator, now, changes);
    const last = rows.at(-1);
    if (last === undefined || rows.length < SWEPT_AT_ONCE) return changed;
    after = last.terminal;
  }
}

interface VerdictChange {
  readonly row: Pick<Selectable<TerminalsTable>, 'terminal' | 'session' | 'version' | 'last_verdict' | 'last_code'>;
  readonly verdict: string;
  readonly code: string | null;
}

/** A row that was written to in the meantime, by a result, a hello or another verifier's pass, is left to the next pass. */
async function record(db: Database, operator: string, at: number, changes: readonly VerdictChange[]): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    let recorded = 0;
    for (const { row, verdict, code } of changes) {
      const { terminal, session, version, last_verdict: before, last_code: beforeCode } = row;
      const { numUpdatedRows } = await tx
        .updateTable('terminals')
        .set({ last_verdict: verdict, last_code: code })
        .where('operator', '=', operator)
        .where('terminal', '=', terminal)
        .where('version', '=', version)
        .where('session', '=', session)
        .where('last_verdict', before === null ? 'is' : '=', before)
        .where('last_code', beforeCode === null ? 'is' : '=', beforeCode)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows !== 1n) continue;
      const sequence = await nextSequence(tx, operator, terminal, at);
      await tx.insertInto('verdict_changes').values({ operator, terminal, at, sequence, verdict, code }).execute();
      recorded += 1;
    }
    return recorded;
  });
}

async function nextSequence(tx: Database, operator: string, terminal: string, at: number): Promise<number> {
  const last = await tx
    .selectFrom('verdict_changes')
    .select('sequence')
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .where('at', '=', at)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last === undefined ? 0 : last.sequence + 1;
}
