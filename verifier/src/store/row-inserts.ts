import type { Compilable } from 'kysely';
import type { Database } from './open.ts';
import type { SqlValue } from './parameter-guard.ts';
import { type HoleMaker, type Statement, statement } from './statement.ts';

/** Rows that one statement writes at most: each number of rows is a statement of its own, prepared once. */
const MOST_ROWS = 32;

/** An INSERT of the hot path for any number of rows: a statement costs more than a row in it. */
export class RowInserts<K extends string> {
  readonly #build: (rows: readonly HoleMaker<K>[]) => Compilable;
  readonly #statements: (Statement<string, unknown> | undefined)[] = [];

  /** @param build gives the INSERT of so many rows; where a value of a row changes, it puts that row's `hole(name)` */
  constructor(build: (rows: readonly HoleMaker<K>[]) => Compilable) {
    this.#build = build;
  }

  async run(db: Database, rows: readonly Readonly<Record<K, SqlValue>>[]): Promise<void> {
    for (let from = 0; from < rows.length; from += MOST_ROWS) {
      const some = rows.slice(from, from + MOST_ROWS);
      const values: Record<string, SqlValue> = {};
      some.forEach((row, i) => {
        for (const name in row) values[`${i} ${name}`] = row[name];
      });
      await this.#ofRows(some.length).run(db, values);
    }
  }

  #ofRows(count: number): Statement<string, unknown> {
    const known = this.#statements[count];
    if (known !== undefined) return known;
    const indices = [...Array(count).keys()];
    const made = statement<string, unknown>((hole) =>
      this.#build(
        indices.map(
          (i): HoleMaker<K> =>
            (name) =>
              hole(`${i} ${name}`),
        ),
      ),
    );
    this.#statements[count] = made;
    return made;
  }
}
