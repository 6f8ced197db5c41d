import { VerifierError } from '../error.ts';

/** What every engine stores and gives back alike. */
export type SqlValue = null | string | number | Uint8Array;

/**
 * Stands in front of every engine: one of them ends the process on a boolean or an object, others store `undefined` and NaN as NULL.
 *
 * @returns the same array
 * @throws VerifierError `store.parameter` with the position, never the value
 */
export function guardParameters(parameters: readonly unknown[]): readonly SqlValue[] {
  for (let i = 0; i < parameters.length; i++) {
    if (!isSqlValue(parameters[i])) throw new VerifierError('store.parameter', `parameter ${i + 1}`);
  }
  return parameters as readonly SqlValue[];
}

function isSqlValue(value: unknown): value is SqlValue {
  if (value === null || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return value instanceof Uint8Array;
}

/** One engine gives blobs as ArrayBuffers, another as views; here they are all Uint8Array. Changes the row in place. */
export function plainRow(row: Record<string, unknown>): Record<string, SqlValue> {
  for (const name in row) {
    const value = row[name];
    if (value instanceof ArrayBuffer) row[name] = new Uint8Array(value);
    else if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new VerifierError('store.value', name);
  }
  return row as Record<string, SqlValue>;
}
