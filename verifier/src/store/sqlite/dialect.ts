import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { guardParameters, plainRow } from '../parameter-guard.ts';
import type { EngineStatement, SqliteEngine } from './engine.ts';

const STATEMENTS_KEPT = 128;

/** kysely over a synchronous engine: one connection, lent to one transaction at a time. */
export class SqliteEngineDialect implements Dialect {
  readonly #engine: SqliteEngine;

  constructor(engine: SqliteEngine) {
    this.#engine = engine;
  }

  createDriver(): Driver {
    return new EngineDriver(this.#engine);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature of kysely's interface
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

class EngineDriver implements Driver {
  readonly #engine: SqliteEngine;
  readonly #connection: EngineConnection;
  readonly #waiting: (() => void)[] = [];
  #lent = false;

  constructor(engine: SqliteEngine) {
    this.#engine = engine;
    this.#connection = new EngineConnection(engine);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#lent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#lent = true;
    return this.#connection;
  }

  /** The connection goes straight to whoever waits longest. */
  releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) this.#lent = false;
    else next();
    return Promise.resolve();
  }

  /** Takes the write lock at once, so that no transaction fails halfway for want of it. */
  beginTransaction(): Promise<void> {
    return this.#exec('begin immediate');
  }

  commitTransaction(): Promise<void> {
    return this.#exec('commit');
  }

  /** After some faults the engine has rolled back by itself; the fault that led here is the one to be told. */
  async rollbackTransaction(): Promise<void> {
    try {
      await this.#exec('rollback');
    } catch {
      // nothing is open any more, or the next begin says so
    }
  }

  async destroy(): Promise<void> {
    await this.acquireConnection();
    this.#engine.close();
  }

  async #exec(sql: string): Promise<void> {
    await this.#connection.exec(sql);
  }
}

class EngineConnection implements DatabaseConnection {
  readonly #engine: SqliteEngine;
  /** by text, in the order of preparation */
  readonly #statements = new Map<string, EngineStatement>();

  constructor(engine: SqliteEngine) {
    this.#engine = engine;
  }

  // async: what the engine throws becomes a rejection
  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const values = guardParameters(parameters);
    const statement = this.#prepared(sql);
    if (!statement.reads) return { rows: [], numAffectedRows: BigInt(statement.run(values)) };
    const rows = statement.all(values).map(plainRow);
    return { rows: rows as R[], numAffectedRows: BigInt(rows.length) };
  }

  async exec(sql: string): Promise<void> {
    this.#engine.exec(sql);
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  #prepared(sql: string): EngineStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#engine.prepare(sql);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size >= STATEMENTS_KEPT && oldest !== undefined) this.#statements.delete(oldest);
    this.#statements.set(sql, statement);
    return statement;
  }
}
