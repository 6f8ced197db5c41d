import { expect } from 'chai';
import type { JsonSchema } from '../../src/api/route.ts';

/** Holds a value against the few words of JSON Schema that the API's document uses. */
export function expectSchema(schema: JsonSchema, value: unknown, at = '$'): void {
  const { enum: allowed, anyOf, type, pattern, minimum } = schema;
  if (Array.isArray(anyOf)) {
    expect(
      (anyOf as readonly JsonSchema[]).some((one) => fits(one, value, at)),
      `${at}: none of anyOf`,
    ).to.equal(true);
    return;
  }
  if (Array.isArray(allowed)) {
    expect(allowed, at).to.include(value);
    return;
  }
  const types = Array.isArray(type) ? (type as readonly unknown[]) : [type];
  expect(types, at).to.include(typeOf(value));
  if (value === null) return;
  if (typeof pattern === 'string') expect(value, at).to.match(new RegExp(pattern));
  if (typeof minimum === 'number') expect(value, at).to.be.at.least(minimum);
  if (Array.isArray(value))
    for (const [i, item] of value.entries()) expectSchema(schema['items'] as JsonSchema, item, `${at}[${i}]`);
  else if (typeof value === 'object') expectObject(schema, value, at);
}

function expectObject(schema: JsonSchema, value: object, at: string): void {
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  if (properties === undefined) throw new Error(`${at}: a schema without properties`);
  for (const name of schema['required'] as readonly string[]) expect(value, at).to.have.property(name);
  for (const [name, part] of Object.entries(value)) {
    const known = properties[name];
    if (known === undefined) throw new Error(`${at}.${name} is not in the schema`);
    expectSchema(known, part, `${at}.${name}`);
  }
}

function fits(schema: JsonSchema, value: unknown, at: string): boolean {
  try {
    expectSchema(schema, value, at);
    return true;
  } catch {
    return false;
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isSafeInteger(value) ? 'integer' : typeof value;
}
