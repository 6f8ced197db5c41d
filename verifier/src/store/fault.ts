/** What an engine's error means for the caller, whichever engine it was. */
export type StoreFault = 'unique' | 'retry' | 'other';

const UNIQUE = new Set<unknown>(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', 2067, 1555, '23505']);
const RETRY = new Set<unknown>(['SQLITE_BUSY', 'SQLITE_LOCKED', 5, 6, '40001', '40P01']);

/** @param error what libsql (`code`), node:sqlite (`errcode`) or PostgreSQL (`code`, an SQLSTATE) threw */
export function storeFault(error: unknown): StoreFault {
  if (typeof error !== 'object' || error === null) return 'other';
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (UNIQUE.has(code) || UNIQUE.has(errcode)) return 'unique';
  return RETRY.has(code) || RETRY.has(errcode) ? 'retry' : 'other';
}
