import { isArray, isMap, type Plain, type PlainMap } from './plain.ts';

/** The words of JSON Schema (2020-12) that vector files need. */
export type Schema = {
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean' | 'null';
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly minItems?: number;
  readonly items?: Schema;
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly additionalProperties?: false | Schema;
  readonly anyOf?: readonly Schema[];
};

/** @returns where and why the value is not of the schema, or undefined where it is */
export function schemaFault(schema: Schema, value: Plain, at = '$'): string | undefined {
  if (schema.anyOf !== undefined) return anyOfFault(schema.anyOf, value, at);
  if (schema.type !== undefined && typeOf(value) !== schema.type) return `${at}: not of type ${schema.type}`;
  if (schema.const !== undefined && value !== schema.const) return `${at}: not ${schema.const}`;
  if (schema.enum !== undefined && !schema.enum.some((one) => one === value)) return `${at}: not one of the listed`;
  if (typeof value === 'string') return textFault(schema, value, at);
  if (typeof value === 'number' && value < (schema.minimum ?? value)) return `${at}: below ${schema.minimum ?? 0}`;
  if (isArray(value)) return arrayFault(schema, value, at);
  return isMap(value) ? mapFault(schema, value, at) : undefined;
}

/** The alternative that came furthest is the one that was meant. */
function anyOfFault(alternatives: readonly Schema[], value: Plain, at: string): string | undefined {
  const faults = alternatives.map((one) => schemaFault(one, value, at));
  if (faults.includes(undefined)) return undefined;
  return faults.reduce((far, fault) => (depth(fault) > depth(far) ? fault : far));
}

function depth(fault: string | undefined): number {
  return (fault?.split(':')[0] ?? '').split(/[.[]/).length;
}

function textFault({ pattern }: Schema, value: string, at: string): string | undefined {
  return pattern === undefined || new RegExp(pattern, 'u').test(value) ? undefined : `${at}: does not match ${pattern}`;
}

function arrayFault({ items, minItems }: Schema, value: readonly Plain[], at: string): string | undefined {
  if (value.length < (minItems ?? 0)) return `${at}: fewer than ${minItems ?? 0} items`;
  if (items === undefined) return undefined;
  return first(value.map((item, i) => () => schemaFault(items, item, `${at}[${i}]`)));
}

function mapFault(schema: Schema, value: PlainMap, at: string): string | undefined {
  const { properties = {}, required = [], additionalProperties } = schema;
  const absent = required.find((name) => !Object.hasOwn(value, name));
  if (absent !== undefined) return `${at}.${absent}: missing`;
  return first(
    Object.entries(value).map(([name, item]) => () => {
      const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
      if (known === false) return `${at}.${name}: unknown`;
      return known === undefined ? undefined : schemaFault(known, item, `${at}.${name}`);
    }),
  );
}

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const fault = check();
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function typeOf(value: Plain): Schema['type'] | 'number' {
  if (value === null) return 'null';
  if (isArray(value)) return 'array';
  if (isMap(value)) return 'object';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return typeof value === 'string' ? 'string' : 'boolean';
}
