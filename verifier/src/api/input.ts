import { isId } from '@mtm-attest/protocol';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';

/** @throws VerifierError `request.invalid` naming the first part that does not fit */
export function readInput<T>(schema: v.GenericSchema<unknown, T>, input: unknown): T {
  const checked = v.safeParse(schema, input);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  throw new VerifierError('request.invalid', `${v.getDotPath(issue) ?? 'request'}: ${issue.message}`);
}

export const idText: v.GenericSchema<unknown, string> = v.pipe(
  v.string(),
  v.check(isId, 'must be 1 to 64 of [a-z0-9._-], the first a letter or digit'),
);

const DECIMAL = /^(?:0|[1-9]\d{0,15})$/;

/** A whole number in a URL. */
export function numberText(least: number, most: number): v.GenericSchema<unknown, number> {
  return v.pipe(v.string(), v.regex(DECIMAL), v.transform(Number), v.minValue(least), v.maxValue(most));
}

const MAX_PAGE = 1000;

const DEFAULT_PAGE = 100;

/** How many items a page has. */
export const pageSize: v.GenericSchema<unknown, number> = v.optional(numberText(1, MAX_PAGE), String(DEFAULT_PAGE));
