import type { Database } from './open.ts';
import type { MetaTable } from './tables.ts';

export async function readMeta(db: Database, operator: string, key: MetaTable['key']): Promise<string | undefined> {
  const row = await db
    .selectFrom('meta')
    .select('value')
    .where('operator', '=', operator)
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.value;
}

export async function writeMeta(db: Database, operator: string, key: MetaTable['key'], value: string): Promise<void> {
  await db
    .insertInto('meta')
    .values({ operator, key, value })
    .onConflict((conflict) => conflict.columns(['operator', 'key']).doUpdateSet({ value }))
    .execute();
}
