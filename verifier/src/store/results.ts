import type { Purpose, ReasonCode, Verdict } from '@mtm-attest/protocol';
import { PURPOSES, VERDICTS } from '@mtm-attest/protocol';
import type { SelectQueryBuilder } from 'kysely';
import type { Explained } from '../appraisal/explain.ts';
import type { LedgerLeaf } from '../ledger/append.ts';
import type { ResultItem } from './group-commit.ts';
import { bootColumn, condemnationColumn, explanationColumn, reasonCodesColumn } from './json-column.ts';
import type { Database } from './open.ts';
import { RowInserts } from './row-inserts.ts';
import { type Statement, statement } from './statement.ts';
import type { ResultsTable, Tables } from './tables.ts';
import { ACCEPTED_COLUMNS, oneOf, readReason, writeAccepted } from './terminal-row.ts';

const STATE_COLUMNS = [
  'admission',
  'last_seen_at',
  'last_affirmed_at',
  'pending_at',
  'announced_boot',
  'next_audit_at',
  'late_code',
  'condemned',
  'unknown_code',
  'info',
  'last_verdict',
  'last_code',
  ...ACCEPTED_COLUMNS,
] as const;

type StateColumn = (typeof STATE_COLUMNS)[number];

type ResultColumn = Exclude<keyof ResultsTable, 'operator'>;

/** The two statements of the hot path: the row's change, and the record. */
export class ResultStatements {
  readonly #update: Statement<StateColumn | 'terminal' | 'session' | 'version', unknown>;
  readonly #insert: RowInserts<ResultColumn>;

  constructor(db: Database, operator: string) {
    this.#update = statement((hole) => {
      const columns = Object.fromEntries(STATE_COLUMNS.map((name) => [name, hole(name)]));
      return db
        .updateTable('terminals')
        .set((eb) => ({ ...columns, version: eb('version', '+', 1) }))
        .where('operator', '=', operator)
        .where('terminal', '=', hole<string>('terminal'))
        .where('session', '=', hole<number>('session'))
        .where('version', '=', hole<number>('version'));
    });
    this.#insert = new RowInserts((rows) =>
      db.insertInto('results').values(
        rows.map((hole) => ({
          operator,
          ledger_index: hole<number>('ledger_index'),
          terminal: hole<string>('terminal'),
          at: hole<number>('at'),
          challenged_at: hole<number>('challenged_at'),
          purpose: hole<string>('purpose'),
          verdict: hole<string>('verdict'),
          codes: hole<string>('codes'),
          explanation: hole<string | null>('explanation'),
          body: hole<Uint8Array>('body'),
        })),
      ),
    );
  }

  /** @returns false where the row has another session or version by now, or is gone */
  async update(tx: Database, { record, settled, nextAuditAt, result }: ResultItem): Promise<boolean> {
    const { changes } = await this.#update.run(tx, {
      terminal: record.terminal,
      session: record.session,
      version: record.version,
      admission: settled.admission,
      last_seen_at: settled.lastSeenAt,
      last_affirmed_at: settled.lastAffirmedAt ?? null,
      pending_at: settled.pendingAt ?? null,
      announced_boot: settled.announcedBoot === undefined ? null : bootColumn.write(settled.announcedBoot),
      next_audit_at: nextAuditAt,
      late_code: settled.lateCode ?? null,
      condemned: settled.condemned === undefined ? null : condemnationColumn.write(settled.condemned),
      unknown_code: settled.unknownCode ?? null,
      info: settled.info.length === 0 ? '[]' : reasonCodesColumn.write(settled.info),
      last_verdict: result.verdict,
      last_code: shownCode(result.verdict, result.codes),
      ...writeAccepted(settled.accepted),
    });
    return changes === 1;
  }

  async insert(tx: Database, leaves: readonly LedgerLeaf[]): Promise<void> {
    const rows = leaves.map(({ ledgerIndex, item }) => {
      const { result, record, challengedAt, explanation, body } = item;
      return {
        ledger_index: ledgerIndex,
        terminal: record.terminal,
        at: result.at,
        challenged_at: challengedAt,
        purpose: result.purpose,
        verdict: result.verdict,
        codes: result.codes.length === 0 ? '[]' : JSON.stringify(result.codes),
        explanation: explanation.length === 0 ? null : explanationColumn.write(explanation),
        body,
      };
    });
    await this.#insert.run(tx, rows);
  }
}

/** The reason that stands for a verdict; trusted has none, its codes only inform. */
export function shownCode<Code extends string>(verdict: Verdict, codes: readonly Code[]): Code | null {
  return verdict === 'trusted' ? null : (codes[0] ?? null);
}

/** A recorded result without its leaf. */
export interface RecordedResult {
  readonly ledgerIndex: number;
  readonly at: number;
  readonly challengedAt: number;
  readonly purpose: Purpose;
  readonly verdict: Verdict;
  readonly codes: readonly ReasonCode[];
  readonly explanation: readonly Explained[];
}

const SHOWN = ['ledger_index', 'at', 'challenged_at', 'purpose', 'verdict', 'codes', 'explanation'] as const;

interface ShownRow {
  readonly ledger_index: number;
  readonly at: number;
  readonly challenged_at: number;
  readonly purpose: string;
  readonly verdict: string;
  readonly codes: string;
  readonly explanation: string | null;
}

type ResultsQuery = SelectQueryBuilder<Tables, 'results', ShownRow>;

const PURPOSE_NAMES = Object.keys(PURPOSES) as readonly Purpose[];
const VERDICT_NAMES = Object.keys(VERDICTS) as readonly Verdict[];

function readResult(row: ShownRow): RecordedResult {
  return {
    ledgerIndex: row.ledger_index,
    at: row.at,
    challengedAt: row.challenged_at,
    purpose: oneOf(PURPOSE_NAMES, row.purpose),
    verdict: oneOf(VERDICT_NAMES, row.verdict),
    codes: reasonCodesColumn.read(row.codes),
    explanation: row.explanation === null ? [] : explanationColumn.read(row.explanation),
  };
}

/** The newest result of a terminal. */
export function latestResult(db: Database, operator: string, terminal: string): Promise<RecordedResult | undefined> {
  return newest(resultsOf(db, operator, terminal));
}

/** When the last leaf was appended; undefined in an empty ledger. */
export async function latestResultAt(db: Database, operator: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('results')
    .select('at')
    .where('operator', '=', operator)
    .orderBy('ledger_index', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.at;
}

/** The newest result that had something to explain: the one that condemned, where the terminal is condemned. */
export function latestExplanation(
  db: Database,
  operator: string,
  terminal: string,
): Promise<RecordedResult | undefined> {
  return newest(resultsOf(db, operator, terminal).where('explanation', 'is not', null));
}

function resultsOf(db: Database, operator: string, terminal: string): ResultsQuery {
  return db.selectFrom('results').select(SHOWN).where('operator', '=', operator).where('terminal', '=', terminal);
}

async function newest(results: ResultsQuery): Promise<RecordedResult | undefined> {
  const row = await results.orderBy('at', 'desc').orderBy('ledger_index', 'desc').limit(1).executeTakeFirst();
  return row === undefined ? undefined : readResult(row);
}

/** One decision: a result, or a change that time alone made. */
export interface Decision {
  readonly at: number;
  readonly verdict: Verdict;
  readonly code: ReasonCode | null;
  readonly codes: readonly ReasonCode[];
  readonly challengedAt?: number;
  readonly purpose?: Purpose;
  readonly ledgerIndex?: number;
}

/** A place in a history; decisions of one millisecond are ordered results first, then changes. */
export interface HistoryPlace {
  readonly at: number;
  readonly kind: 0 | 1;
  readonly sequence: number;
}

export interface HistoryPage {
  readonly decisions: readonly Decision[];
  /** where the next page begins; undefined at the end */
  readonly next: HistoryPlace | undefined;
}

const BEGINNING: HistoryPlace = { at: -1, kind: 1, sequence: Number.MAX_SAFE_INTEGER };

/** Decisions about a terminal, oldest first. @param after the place of the last decision already seen */
export async function history(
  db: Database,
  operator: string,
  terminal: string,
  limit: number,
  after: HistoryPlace = BEGINNING,
): Promise<HistoryPage> {
  const results = await resultsAfter(db, operator, terminal, limit + 1, after);
  const changes = await changesAfter(db, operator, terminal, limit + 1, after);
  const merged = [...results, ...changes].sort((a, b) => comparePlaces(a.place, b.place)).slice(0, limit + 1);
  const page = merged.slice(0, limit);
  return {
    decisions: page.map(({ decision }) => decision),
    next: merged.length > limit ? page.at(-1)?.place : undefined,
  };
}

interface Placed {
  readonly place: HistoryPlace;
  readonly decision: Decision;
}

function comparePlaces(a: HistoryPlace, b: HistoryPlace): number {
  return a.at - b.at || a.kind - b.kind || a.sequence - b.sequence;
}

async function resultsAfter(
  db: Database,
  operator: string,
  terminal: string,
  limit: number,
  after: HistoryPlace,
): Promise<readonly Placed[]> {
  const from = after.kind === 0 ? after.sequence + 1 : Number.MAX_SAFE_INTEGER;
  const rows = await resultsOf(db, operator, terminal)
    .where('at', '>=', after.at)
    .where((eb) => eb.or([eb('at', '>', after.at), eb('ledger_index', '>=', from)]))
    .orderBy('at')
    .orderBy('ledger_index')
    .limit(limit)
    .execute();
  return rows.map((row) => {
    const { ledgerIndex, at, challengedAt, purpose, verdict, codes } = readResult(row);
    return {
      place: { at, kind: 0, sequence: ledgerIndex },
      decision: { at, verdict, code: shownCode(verdict, codes), codes, challengedAt, purpose, ledgerIndex },
    };
  });
}

async function changesAfter(
  db: Database,
  operator: string,
  terminal: string,
  limit: number,
  after: HistoryPlace,
): Promise<readonly Placed[]> {
  const from = after.kind === 0 ? 0 : Math.min(after.sequence, Number.MAX_SAFE_INTEGER - 1) + 1;
  const rows = await db
    .selectFrom('verdict_changes')
    .select(['at', 'sequence', 'verdict', 'code'])
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .where('at', '>=', after.at)
    .where((eb) => eb.or([eb('at', '>', after.at), eb('sequence', '>=', from)]))
    .orderBy('at')
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(({ at, sequence, verdict, code }) => {
    const reason = code === null ? null : readReason(code);
    return {
      place: { at, kind: 1, sequence },
      decision: { at, verdict: oneOf(VERDICT_NAMES, verdict), code: reason, codes: reason === null ? [] : [reason] },
    };
  });
}
