import type { Schema } from './schema.ts';

/** Pieces that the schemas of the test types are put together from. */
export function hex(description: string, bytes?: number): Schema {
  const pattern = bytes === undefined ? '^([0-9a-f]{2})*$' : `^[0-9a-f]{${2 * bytes}}$`;
  return { description, type: 'string', pattern };
}

export function text(description: string): Schema {
  return { description, type: 'string' };
}

export function choice(description: string, values: readonly string[]): Schema {
  return { description, type: 'string', enum: values };
}

/** An unsigned integer that every JSON parser keeps. */
export function count(description: string): Schema {
  return { description, type: 'integer', minimum: 0 };
}

export function yesNo(description: string): Schema {
  return { description, type: 'boolean' };
}

/** An unsigned 64-bit integer, as decimal text: JSON numbers lose digits above 2^53. */
export function u64(description: string): Schema {
  return { description, type: 'string', pattern: '^(0|[1-9][0-9]{0,19})$' };
}

export function listOf(description: string, items: Schema): Schema {
  return { description, type: 'array', items };
}

/** An object of exactly these names. */
export function record(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** An object whose names are data. */
export function mapOf(description: string, additionalProperties: Schema): Schema {
  return { description, type: 'object', additionalProperties };
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** The decoded value of a valid input; its form follows from the type decoded. */
export function decoded(description: string): Schema {
  return { description };
}
