import { type Compilable, type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { Database } from './open.ts';
import type { SqlValue } from './parameter-guard.ts';

/** A place in a statement that gets its value at each execution. */
class Hole {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export type HoleMaker<K extends string> = <T>(name: K) => RawBuilder<T>;

/** A statement of the hot path: built and compiled once, executed with changing values. */
export interface Statement<K extends string, R> {
  run(db: Database, values: Readonly<Record<K, SqlValue>>): Promise<StatementResult<R>>;
}

export interface StatementResult<R> {
  readonly rows: readonly R[];
  /** rows written */
  readonly changes: number;
}

/**
 * @param build gives the query; where a value changes, it puts `hole(name)`
 * @returns the same query, ready to run: nothing is built or compiled any more
 */
export function statement<K extends string, R>(build: (hole: HoleMaker<K>) => Compilable<R>): Statement<K, R> {
  const compiled = build((name) => sql`${new Hole(name)}`).compile();
  const slots = compiled.parameters.map((value) => (value instanceof Hole ? (value.name as K) : { constant: value }));
  return {
    async run(db, values) {
      const parameters = slots.map((slot) => (typeof slot === 'string' ? values[slot] : slot.constant));
      const query: CompiledQuery<R> = { ...compiled, parameters };
      const { rows, numAffectedRows } = await db.executeQuery(query);
      return { rows, changes: Number(numAffectedRows ?? 0) };
    },
  };
}
