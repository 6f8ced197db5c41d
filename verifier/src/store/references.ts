import { equalBytes, type Manifest, parseSignedManifest } from '@mtm-attest/protocol';
import type { NotNull } from 'kysely';
import { VerifierError } from '../error.ts';
import { readMeta, writeMeta } from './meta.ts';
import type { Database } from './open.ts';

/** A manifest whose signatures were verified. */
export interface VerifiedManifest {
  readonly manifest: Manifest;
  /** the signed manifest as received */
  readonly body: Uint8Array;
}

export interface LoadedManifest {
  /** false where this very document was there before */
  readonly changed: boolean;
  /** revision of the operator's Reference Values after it */
  readonly revision: number;
}

/**
 * Stores a manifest under the rule of the highest seen: neither sequence nor minimum of a model ever goes down (F-30).
 * Runs in the caller's transaction.
 *
 * @throws VerifierError `reference.sequence`, `reference.minimum`, `reference.conflict`, `reference.issuer`
 */
export async function loadManifest(
  tx: Database,
  operator: string,
  { manifest, body }: VerifiedManifest,
  now: number,
): Promise<LoadedManifest> {
  const { issuer, model, sequence, minimum } = manifest;
  const newest = await newestOf(tx, operator, model);
  if (newest !== undefined) {
    if (newest.issuer !== issuer)
      throw new VerifierError('reference.issuer', `${newest.issuer} publishes for ${model}`);
    if (sequence === newest.sequence && samePayload(newest.body, body)) {
      return { changed: false, revision: await referenceRevision(tx, operator) };
    }
    const seen = `${model}: sequence ${newest.sequence} was accepted`;
    if (sequence === newest.sequence) throw new VerifierError('reference.conflict', seen);
    if (sequence < newest.sequence) throw new VerifierError('reference.sequence', seen);
    if (minimum < newest.minimum) {
      throw new VerifierError('reference.minimum', `${model}: minimum ${newest.minimum} was accepted`);
    }
  }
  const row = { operator, issuer, model, sequence, minimum, body, loaded_at: now };
  await tx.insertInto('manifests').values(row).execute();
  const revision = (await referenceRevision(tx, operator)) + 1;
  await writeMeta(tx, operator, 'referenceRevision', String(revision));
  return { changed: true, revision };
}

/** Rises with every manifest that was stored; 0 before the first. */
export async function referenceRevision(db: Database, operator: string): Promise<number> {
  return Number((await readMeta(db, operator, 'referenceRevision')) ?? 0);
}

export interface StoredManifest {
  readonly issuer: string;
  readonly model: string;
  readonly sequence: number;
  readonly minimum: number;
  readonly body: Uint8Array;
  readonly loadedAt: number;
}

/** The newest manifest of every model, models ascending. */
export async function newestManifests(db: Database, operator: string): Promise<readonly StoredManifest[]> {
  const rows = await db
    .selectFrom('manifests')
    .selectAll()
    .where('operator', '=', operator)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('manifests as later')
            .select('later.sequence')
            .whereRef('later.operator', '=', 'manifests.operator')
            .whereRef('later.issuer', '=', 'manifests.issuer')
            .whereRef('later.model', '=', 'manifests.model')
            .whereRef('later.sequence', '>', 'manifests.sequence'),
        ),
      ),
    )
    .orderBy('model')
    .execute();
  return rows.map(({ issuer, model, sequence, minimum, body, loaded_at: loadedAt }) => {
    return { issuer, model, sequence, minimum, body, loadedAt };
  });
}

/** A list that matched its Reference Values, so that it need not be sent again. */
export async function keepList(db: Database, operator: string, digest: Uint8Array, body: Uint8Array): Promise<void> {
  await db
    .insertInto('component_lists')
    .values({ operator, digest, body })
    .onConflict((conflict) => conflict.columns(['operator', 'digest']).doNothing())
    .execute();
}

/**
 * Forgets the lists that no terminal's accepted state names: one that is needed again is asked for again.
 * @returns how many went
 */
export async function forgetLists(db: Database, operator: string): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('component_lists')
    .where('operator', '=', operator)
    .where('digest', 'not in', (eb) =>
      eb
        .selectFrom('terminals')
        .select('list_digest')
        .$narrowType<{ list_digest: NotNull }>()
        .where('operator', '=', operator)
        .where('list_digest', 'is not', null),
    )
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

export async function findList(db: Database, operator: string, digest: Uint8Array): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('component_lists')
    .select('body')
    .where('operator', '=', operator)
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row?.body;
}

async function newestOf(
  db: Database,
  operator: string,
  model: string,
): Promise<Pick<StoredManifest, 'issuer' | 'sequence' | 'minimum' | 'body'> | undefined> {
  return await db
    .selectFrom('manifests')
    .select(['issuer', 'sequence', 'minimum', 'body'])
    .where('operator', '=', operator)
    .where('model', '=', model)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Signatures may differ: a document is its payload. */
function samePayload(a: Uint8Array, b: Uint8Array): boolean {
  return equalBytes(parseSignedManifest(a).payload, parseSignedManifest(b).payload);
}
