import { VerifierError } from '../error.ts';
import type { Item } from './item.ts';

/** Milliseconds since 1970, both inclusive. */
export interface Validity {
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
}

const VALIDITY = { 'not-before': 0, 'not-after': 1 } as const;
const EPOCH_TAG = 1;
const MS_PER_SECOND = 1000;
/** The year 9999. */
const LAST_SECOND = 253_402_300_799;

/** Reads a validity-map (draft-ietf-rats-corim, Validity). */
export function readValidity(item: Item): Validity {
  const fields = item.map(VALIDITY);
  const notBefore = fields.get('not-before');
  return {
    notBefore: notBefore === undefined ? undefined : epochTime(notBefore.tagged(EPOCH_TAG)),
    notAfter: epochTime(fields.need('not-after').tagged(EPOCH_TAG)),
  };
}

/** Seconds since 1970, whole or not, as milliseconds. */
export function epochTime(item: Item): number {
  const { value } = item;
  if (typeof value !== 'number' || value < 0 || value > LAST_SECOND) throw item.refusal('not a time');
  return value * MS_PER_SECOND;
}

/**
 * @param at wall clock, milliseconds since 1970
 * @throws VerifierError `corim.validity`
 */
export function checkValidity(validity: Validity | undefined, at: number, path: string): void {
  if (validity === undefined) return;
  const { notBefore, notAfter } = validity;
  if (notBefore !== undefined && at < notBefore) throw outside(path, 'from', notBefore);
  if (notAfter !== undefined && at > notAfter) throw outside(path, 'until', notAfter);
}

function outside(path: string, which: string, time: number): VerifierError {
  return new VerifierError('corim.validity', `${path}: valid ${which} ${new Date(time).toISOString()}`);
}
