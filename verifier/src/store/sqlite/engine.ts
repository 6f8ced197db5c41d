import { VerifierError } from '../../error.ts';
import type { SqlValue } from '../parameter-guard.ts';
import { openLibsql } from './libsql-engine.ts';
import { openNodeSqlite } from './node-engine.ts';

/** A statement prepared once. Parameters have passed the guard and come as one array. */
export interface EngineStatement {
  /** true where it gives rows back */
  readonly reads: boolean;
  all(parameters: readonly SqlValue[]): Record<string, unknown>[];
  /** @returns rows changed */
  run(parameters: readonly SqlValue[]): number;
}

/** The few calls of a synchronous SQLite engine that the store is made of. */
export interface SqliteEngine {
  readonly name: 'node:sqlite' | 'libsql';
  prepare(sql: string): EngineStatement;
  exec(sql: string): void;
  close(): void;
}

/**
 * node:sqlite where Node has it, libsql elsewhere.
 *
 * @param path a file, or `:memory:`
 * @throws VerifierError `store.unavailable`
 */
export async function openEngine(path: string, wanted?: SqliteEngine['name']): Promise<SqliteEngine> {
  const engine =
    (wanted === 'libsql' ? undefined : openNodeSqlite(path)) ??
    (wanted === 'node:sqlite' ? undefined : await openLibsql(path));
  if (engine === undefined) throw new VerifierError('store.unavailable', wanted);
  return engine;
}
