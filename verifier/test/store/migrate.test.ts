import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Kysely, sql } from 'kysely';
import { VerifierError } from '../../src/error.ts';
import { MIGRATIONS, type Migration, migrate } from '../../src/store/migrate.ts';
import { openStore } from '../../src/store/open.ts';
import { SqliteEngineDialect } from '../../src/store/sqlite/dialect.ts';
import { openEngine } from '../../src/store/sqlite/engine.ts';

interface SchemaTables {
  readonly schema_migrations: { id: string; checksum: string; applied_at: number };
}

const one: Migration = { id: '0001-one', statements: ['CREATE TABLE one (a TEXT, b {blob})'] };
const two: Migration = { id: '0002-two', statements: ['CREATE TABLE two (a TEXT)', 'INSERT INTO one VALUES (1, 2)'] };

describe('the schema', () => {
  let directory: string;
  let db: Kysely<SchemaTables>;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-schema-'));
    db = new Kysely({ dialect: new SqliteEngineDialect(await openEngine(join(directory, 'a.db'))) });
  });

  afterEach(async () => {
    await db.destroy();
    rmSync(directory, { recursive: true });
  });

  async function refusal(migrations: readonly Migration[]): Promise<string> {
    try {
      await migrate(db, 1, 'blob', migrations);
    } catch (error) {
      if (error instanceof VerifierError) return error.code;
      throw error;
    }
    return 'migrated';
  }

  async function applied(): Promise<readonly string[]> {
    return (await db.selectFrom('schema_migrations').select('id').orderBy('id').execute()).map(({ id }) => id);
  }

  it('is brought up step by step, each step once', async () => {
    await migrate(db, 1, 'blob', [one]);
    await migrate(db, 2, 'blob', [one, two]);
    await migrate(db, 3, 'blob', [one, two]);
    expect(await applied()).to.deep.equal(['0001-one', '0002-two']);
    expect((await sql`SELECT * FROM one`.execute(db)).rows).to.have.length(1);
  });

  it('written by a newer version is refused', async () => {
    await migrate(db, 1, 'blob', [one, two]);
    expect(await refusal([one])).to.equal('store.schema-newer');
  });

  it('made by other statements or other steps is refused', async () => {
    await migrate(db, 1, 'blob', [one]);
    expect(await refusal([{ ...one, statements: ['CREATE TABLE one (a TEXT)'] }])).to.equal('store.schema-changed');
    expect(await refusal([{ ...one, id: '0001-other' }])).to.equal('store.schema-changed');
  });

  it('stays as it was where a step fails', async () => {
    await migrate(db, 1, 'blob', [one]);
    const broken: Migration = { id: '0002-broken', statements: ['CREATE TABLE three (a TEXT)', 'CREATE TABLE'] };
    let failed = false;
    try {
      await migrate(db, 1, 'blob', [one, broken]);
    } catch {
      failed = true;
    }
    expect(failed).to.equal(true);
    expect(await applied()).to.deep.equal(['0001-one']);
    await migrate(db, 1, 'blob', [one, { ...broken, statements: ['CREATE TABLE three (a TEXT)'] }]);
  });

  it('uses only words that every engine knows', () => {
    const words = MIGRATIONS.flatMap(({ statements }) => statements).join(' ');
    expect(words).not.to.match(/\b(SERIAL|BOOLEAN|TIMESTAMPTZ?|JSONB?|AUTOINCREMENT|REAL|FLOAT|WITHOUT ROWID)\b/i);
    expect(words.match(/\bCREATE TABLE \w+ \(\s*operator TEXT NOT NULL/g)).to.have.length(
      words.match(/CREATE TABLE/g)?.length ?? 0,
    );
  });

  it('of a store is synced at every commit, checks keys, and its file is the owner’s alone', async () => {
    const path = join(directory, 'store.db');
    const store = await openStore({ path, now: 1 });
    const value = async (pragma: string): Promise<unknown> =>
      Object.values((await sql.raw<Record<string, unknown>>(`PRAGMA ${pragma}`).execute(store.db)).rows[0] ?? {})[0];
    expect(await value('journal_mode')).to.equal('wal');
    expect(await value('synchronous')).to.equal(2);
    expect(await value('foreign_keys')).to.equal(1);
    expect(await value('trusted_schema')).to.equal(0);
    await store.close();
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });
});
