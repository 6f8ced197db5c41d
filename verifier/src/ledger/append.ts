import { equalBytes } from '@mtm-attest/protocol';
import type { ResultItem } from '../store/group-commit.ts';
import type { Database } from '../store/open.ts';
import { RowInserts } from '../store/row-inserts.ts';

/** A result on its way into the ledger. */
export interface LedgerLeaf {
  readonly ledgerIndex: number;
  readonly leafHash: Uint8Array;
  readonly item: ResultItem;
}

/**
 * Appends to one operator's ledger inside the caller's transaction. The next sequence is kept in memory while all goes well; two writers
 * that took the same one are told apart by the key, and the loser reads again.
 */
export class LedgerWriter {
  readonly #operator: string;
  readonly #insert: RowInserts<'sequence' | 'leaf_hash'>;
  #next: number | undefined;

  constructor(db: Database, operator: string) {
    this.#operator = operator;
    this.#insert = new RowInserts((rows) =>
      db.insertInto('ledger').values(
        rows.map((hole) => ({
          operator,
          sequence: hole<number>('sequence'),
          leaf_hash: hole<Uint8Array>('leaf_hash'),
        })),
      ),
    );
  }

  /** The sequence of the next leaf: 0 in an empty ledger. */
  async next(tx: Database): Promise<number> {
    this.#next ??= await ledgerSize(tx, this.#operator);
    return this.#next;
  }

  async append(tx: Database, leaves: readonly LedgerLeaf[]): Promise<void> {
    const rows = leaves.map(({ ledgerIndex, leafHash }) => ({ sequence: ledgerIndex, leaf_hash: leafHash }));
    await this.#insert.run(tx, rows);
  }

  /** The transaction that appended so many was committed. */
  appended(count: number): void {
    if (this.#next !== undefined) this.#next += count;
  }

  /** Whatever was thought of the ledger's size may be wrong. */
  forget(): void {
    this.#next = undefined;
  }
}

/** Leaves in the ledger; sequences run from 0 without gaps. */
export async function ledgerSize(db: Database, operator: string): Promise<number> {
  const last = await db
    .selectFrom('ledger')
    .select('sequence')
    .where('operator', '=', operator)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last === undefined ? 0 : last.sequence + 1;
}

/** Whether this very leaf stands at its place. */
export async function holdsLeaf(
  db: Database,
  operator: string,
  { ledgerIndex, leafHash }: LedgerLeaf,
): Promise<boolean> {
  const leaf = await readLeaf(db, operator, ledgerIndex);
  return leaf !== undefined && equalBytes(leaf.leafHash, leafHash);
}

/** One leaf with its data, or undefined past the end. */
export async function readLeaf(
  db: Database,
  operator: string,
  index: number,
): Promise<{ readonly leafHash: Uint8Array; readonly body: Uint8Array } | undefined> {
  return await db
    .selectFrom('ledger')
    .innerJoin('results', (join) =>
      join.onRef('results.operator', '=', 'ledger.operator').onRef('results.ledger_index', '=', 'ledger.sequence'),
    )
    .select(['ledger.leaf_hash as leafHash', 'results.body as body'])
    .where('ledger.operator', '=', operator)
    .where('ledger.sequence', '=', index)
    .executeTakeFirst();
}
