import { TERMINAL_CLASSES, type TerminalClass } from '@mtm-attest/protocol';
import type { TokenRecord } from '../endpoint/services.ts';
import type { Database } from './open.ts';
import { oneOf } from './terminal-row.ts';

export interface NewToken {
  /** SHA-256 of the 32 secret bytes; the secret itself is never stored */
  readonly secretHash: Uint8Array;
  readonly terminal: string;
  readonly class: TerminalClass;
  readonly model: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export async function addToken(db: Database, operator: string, token: NewToken): Promise<void> {
  await db
    .insertInto('tokens')
    .values({
      operator,
      secret_hash: token.secretHash,
      terminal: token.terminal,
      class: token.class,
      model: token.model,
      created_at: token.createdAt,
      expires_at: token.expiresAt,
      consumed_at: null,
      ak_name: null,
      session_key: null,
    })
    .execute();
}

/**
 * What a token stands for. A consumed one is still found, for its holder may not have got the answer.
 * @returns undefined where it is unknown, or expired unused
 */
export async function findToken(
  db: Database,
  operator: string,
  secretHash: Uint8Array,
  now: number,
): Promise<TokenRecord | undefined> {
  const row = await db
    .selectFrom('tokens')
    .select(['terminal', 'class', 'model', 'expires_at', 'consumed_at'])
    .where('operator', '=', operator)
    .where('secret_hash', '=', secretHash)
    .executeTakeFirst();
  if (row === undefined || (row.consumed_at === null && now > row.expires_at)) return undefined;
  return { terminal: row.terminal, class: oneOf(TERMINAL_CLASSES, row.class), model: row.model };
}

/** Forgets tokens that expired before a moment; used ones too, once nobody can be waiting for their answer. @returns how many */
export async function forgetTokens(db: Database, operator: string, expiredBefore: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('tokens')
    .where('operator', '=', operator)
    .where('expires_at', '<', expiredBefore)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
