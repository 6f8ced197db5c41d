import type Libsql from 'libsql';
import type { SqlValue } from '../parameter-guard.ts';
import type { SqliteEngine } from './engine.ts';

/** @returns undefined where the optional dependency is not installed */
export async function openLibsql(path: string): Promise<SqliteEngine | undefined> {
  let Database: typeof Libsql;
  try {
    ({ default: Database } = await import('libsql'));
  } catch {
    return undefined;
  }
  const database = new Database(path);
  return {
    name: 'libsql',
    prepare(sql) {
      const statement = database.prepare<[readonly SqlValue[]]>(sql);
      return {
        reads: statement.reader,
        all: (parameters) => statement.all(parameters) as Record<string, unknown>[],
        run: (parameters) => statement.run(parameters).changes,
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
