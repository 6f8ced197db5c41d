import type { SqlValue } from '../parameter-guard.ts';
import type { SqliteEngine } from './engine.ts';

/** The part of node:sqlite that is used; its types come with a later Node than the oldest supported one. */
interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeDatabase;
}

interface NodeDatabase {
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  close(): void;
}

interface NodeStatement {
  columns?(): readonly unknown[];
  all(...parameters: readonly SqlValue[]): Record<string, unknown>[];
  run(...parameters: readonly SqlValue[]): { readonly changes: number | bigint };
}

/** @returns undefined where this Node has no node:sqlite */
export function openNodeSqlite(path: string): SqliteEngine | undefined {
  const builtIn = process.getBuiltinModule('node:sqlite');
  if (!hasDatabase(builtIn)) return undefined;
  const database = new builtIn.DatabaseSync(path);
  return {
    name: 'node:sqlite',
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        reads: statement.columns === undefined ? readsByText(sql) : statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => Number(statement.run(...parameters).changes),
      };
    },
    exec(sql) {
      database.exec(sql);
    },
    close() {
      database.close();
    },
  };
}

function hasDatabase(module: object | undefined): module is NodeSqlite {
  return module !== undefined && 'DatabaseSync' in module;
}

/** For a Node whose statements do not tell their columns. */
function readsByText(sql: string): boolean {
  return /^\s*(select|with|pragma)\b/i.test(sql) || /\breturning\b/i.test(sql);
}
