import { SUBPROTOCOL } from '@mtm-attest/protocol';
import { VECTOR_FILES, type VectorFileName } from '../test-type/table.ts';
import type { Fields, TestType } from '../test-type/test-type.ts';
import { choice, count, listOf, record, text } from './fragment.ts';
import type { Schema } from './schema.ts';

/** Why a vector is there: what kind of mistake it finds, what the mistake leads to, and which attacks it opens. */
export type Note = {
  readonly bugType: string;
  readonly effect: string;
  readonly attacks: readonly string[];
};

export type VectorTest = Fields & {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid';
  /** the one code of an invalid vector */
  readonly error?: string;
  /** of the byte to blame, where a parser names one */
  readonly offset?: number;
};

export type VectorGroup = Fields & { readonly type: string; readonly tests: readonly VectorTest[] };

export type VectorFile = {
  /** name of the schema's file */
  readonly schema: string;
  readonly protocol: string;
  /** tests in all groups */
  readonly count: number;
  readonly notes: { readonly [flag: string]: Note };
  readonly groups: readonly VectorGroup[];
};

export function schemaName(file: VectorFileName): string {
  return `${file}.v1.json`;
}

/** The JSON schema of one vector file. Unknown keys are refused everywhere. */
export function fileSchema(file: VectorFileName): Schema {
  const groups = VECTOR_FILES[file].map((type) => groupSchema(type));
  const [only, ...more] = groups;
  return record({
    schema: { const: schemaName(file) },
    protocol: { const: SUBPROTOCOL },
    count: count('tests in all groups'),
    notes: { type: 'object', additionalProperties: NOTE },
    groups: { type: 'array', minItems: 1, items: only !== undefined && more.length === 0 ? only : { anyOf: groups } },
  });
}

const NOTE: Schema = record({
  bugType: { description: 'kind of the mistake', type: 'string', pattern: '^[A-Z][A-Z_]*$' },
  effect: text('what the mistake leads to'),
  attacks: listOf('numbers of SECURITY.md', { type: 'string', pattern: '^F-[0-9]{2}$' }),
});

const TEST = {
  tcId: { description: 'unique in the file, ascending', type: 'integer', minimum: 1 },
  comment: text('what is special about it'),
  flags: listOf('names of notes', { type: 'string' }),
  result: choice('must it be taken or refused', ['valid', 'invalid']),
  error: { description: 'code of the refusal', type: 'string', pattern: '^[a-z][a-z0-9-]*\\.[a-z][a-z0-9-]*$' },
  offset: count('of the byte to blame, from the start of the input'),
} as const satisfies Readonly<Record<string, Schema>>;

function groupSchema(type: TestType): Schema {
  const optional = [...(type.optional ?? []), 'error', 'offset'];
  const test = record({ ...TEST, ...type.test }, optional);
  return {
    description: type.about,
    ...record(
      { type: { const: type.name }, ...type.group, tests: { type: 'array', minItems: 1, items: test } },
      optional,
    ),
  };
}
