import { closeSync, openSync } from 'node:fs';
import { Kysely } from 'kysely';
import { migrate } from './migrate.ts';
import { SqliteEngineDialect } from './sqlite/dialect.ts';
import { openEngine, type SqliteEngine } from './sqlite/engine.ts';
import type { Tables } from './tables.ts';

/** What every query runs on; a transaction is one too. */
export type Database = Kysely<Tables>;

export interface Store {
  readonly db: Database;
  readonly engine: SqliteEngine['name'];
  /** Waits for the transaction in progress. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** a file, made with mode 0600 where it is missing, or `:memory:` */
  readonly path: string;
  /** wall-clock milliseconds since 1970 */
  readonly now: number;
  /** the first that is there, unless one is named */
  readonly engine?: SqliteEngine['name'];
}

/** A commit is on the disk when it returns: FULL syncs the write-ahead log at each. */
const PRAGMAS = ['journal_mode=WAL', 'synchronous=FULL', 'foreign_keys=ON', 'busy_timeout=5000', 'trusted_schema=OFF'];

/**
 * Opens the embedded store and brings its schema up to date.
 * @throws VerifierError `store.unavailable`, `store.schema-newer`, `store.schema-changed`; errors of the engine where the file is none of a store
 */
export async function openStore({ path, now, engine: wanted }: StoreOptions): Promise<Store> {
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  const engine = await openEngine(path, wanted);
  for (const pragma of PRAGMAS) engine.exec(`PRAGMA ${pragma}`);
  const db = new Kysely<Tables>({ dialect: new SqliteEngineDialect(engine) });
  const close = (): Promise<void> => db.destroy();
  try {
    await migrate(db.withTables(), now);
  } catch (error) {
    await close();
    throw error;
  }
  return { db, engine: engine.name, close };
}
