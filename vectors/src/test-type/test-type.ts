import { type Plain, samePlain } from '../format/plain.ts';
import type { Schema } from '../format/schema.ts';
import type { Implementation, Parsed } from '../implementation/implementation.ts';

/** The fields of a group or a test, already held against the schema of its type. */
export type Fields = { readonly [name: string]: Plain };

/** What an implementation did with one vector. A refusal that it throws is made one of these by the replay. */
export type Decision =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly code: string; readonly offset?: number | undefined }
  /** accepted, but with another meaning or another encoding */
  | { readonly kind: 'differs'; readonly detail: string }
  /** the implementation has no function or no algorithm for it */
  | { readonly kind: 'undecided'; readonly lacks: string };

export const ACCEPTED: Decision = { kind: 'accepted' };

export interface TestType {
  /** `type` of its groups */
  readonly name: string;
  readonly about: string;
  /** fields that the tests of a group share */
  readonly group: Readonly<Record<string, Schema>>;
  readonly test: Readonly<Record<string, Schema>>;
  /** names of `group` and `test` that may be absent */
  readonly optional?: readonly string[];
  /** the signature algorithm that must be there to decide a vector of the group; undefined where none is needed */
  readonly algorithm?: (group: Fields) => string;
  /** true for what a verifier adds to the protocol: without an implementation of it the vectors stay undecided */
  readonly beyondProtocol?: true;
  readonly decide: (implementation: Implementation, group: Fields, test: Fields) => Promise<Decision>;
}

export function lacks(what: string): Decision {
  return { kind: 'undecided', lacks: what };
}

export function refused(code: string): Decision {
  return { kind: 'refused', code };
}

/** Every valid input re-encodes to itself, and means what the vector says. */
export function parsedAs({ value, encoded }: Parsed, input: Uint8Array, test: Fields): Decision {
  const same = encoded.length === input.length && encoded.every((byte, i) => byte === input[i]);
  if (!same) return { kind: 'differs', detail: 'the input re-encodes to other bytes' };
  return meaning(value, test['value']);
}

/** @param expected undefined in vectors that must be refused */
export function meaning(value: Plain, expected: Plain | undefined): Decision {
  if (expected === undefined || samePlain(value, expected)) return ACCEPTED;
  return { kind: 'differs', detail: `decoded as ${JSON.stringify(value).slice(0, 300)}` };
}
