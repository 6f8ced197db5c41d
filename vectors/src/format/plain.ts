/** What stands in a vector file. */
export type Plain = null | boolean | number | string | readonly Plain[] | PlainMap;

export type PlainMap = { readonly [name: string]: Plain };

const HEX = 16;

/**
 * A decoded value as vectors write it: byte strings as lower-case hexadecimal, 64-bit integers as decimal text, what is undefined left out.
 * Anything that JSON could not hold is a defect of the caller.
 */
export function toPlain(value: unknown): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(HEX).padStart(2, '0')).join('');
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object') throw new RangeError('no value of a vector');
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([name, item]) => [name, toPlain(item)]));
}

/** Equality that does not look at the order of names. */
export function samePlain(a: Plain | undefined, b: Plain | undefined): boolean {
  if (isArray(a) && isArray(b)) return a.length === b.length && a.every((item, i) => samePlain(item, b[i]));
  if (!isMap(a) || !isMap(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => samePlain(a[name], b[name]));
}

export function isMap(value: Plain | undefined): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Array.isArray forgets what readonly arrays hold. */
export function isArray(value: Plain | undefined): value is readonly Plain[] {
  return Array.isArray(value);
}
