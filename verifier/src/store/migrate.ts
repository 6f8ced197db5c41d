import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { VerifierError } from '../error.ts';
import { foundation } from './migrations/0001-foundation.ts';
import { floors } from './migrations/0002-floors.ts';
import { platformLogs } from './migrations/0003-platform-logs.ts';
import { endorsement } from './migrations/0004-endorsement.ts';

/** One step of the schema: portable statements, run once, never changed afterwards. */
export interface Migration {
  readonly id: string;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [foundation, floors, platformLogs, endorsement];

interface MigrationTable {
  readonly schema_migrations: { id: string; checksum: string; applied_at: number };
}

/**
 * Brings the schema up to this version, in one transaction.
 *
 * @param db any store; only the table of migrations is looked at
 * @param blob the engine's word for a column of bytes
 * @param now wall-clock milliseconds, written beside each step
 * @throws VerifierError `store.schema-newer`, `store.schema-changed`
 */
export async function migrate(
  db: Kysely<MigrationTable>,
  now: number,
  blob: 'blob' | 'bytea' = 'blob',
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`CREATE TABLE IF NOT EXISTS schema_migrations (
      id TEXT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)`.execute(tx);
    const applied = await tx.selectFrom('schema_migrations').select(['id', 'checksum']).orderBy('id').execute();
    for (const [i, { id, checksum }] of applied.entries()) {
      const known = migrations[i];
      if (known === undefined) throw new VerifierError('store.schema-newer', id);
      if (known.id !== id || checksumOf(known) !== checksum) throw new VerifierError('store.schema-changed', id);
    }
    for (const migration of migrations.slice(applied.length)) {
      for (const statement of migration.statements) await sql.raw(statement.replaceAll('{blob}', blob)).execute(tx);
      const row = { id: migration.id, checksum: checksumOf(migration), applied_at: now };
      await tx.insertInto('schema_migrations').values(row).execute();
    }
  });
}

/** Hexadecimal SHA-256 over the statements as they are written here. */
function checksumOf({ statements }: Migration): string {
  return createHash('sha256').update(statements.join(';\n')).digest('hex');
}
