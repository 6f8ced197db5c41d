import { isId } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';

/** One field of a message: its one-letter key on the wire, what it may hold, and how it reads. */
export interface Field<T> {
  readonly key: string;
  readonly optional: boolean;
  /** for SPEC.md's tables: type and bounds */
  readonly form: string;
  readonly about: string;
  /** @throws ProtocolError `message.field` */
  read(value: unknown): T;
  write(value: T): unknown;
}

export type OptionalField<T> = Field<T> & { readonly optional: true };

/** Longest list of reason codes in one message. */
const MAX_CODES = 16;
const CODE = /^[a-z][a-z-]{0,31}\.[a-z][a-z0-9-]{0,47}$/;

function field<T>(key: string, form: string, about: string, read: (value: unknown) => T | undefined): Field<T> {
  return {
    key,
    optional: false,
    form,
    about,
    read: (value) => {
      const read_ = read(value);
      if (read_ === undefined) throw new ProtocolError('message.field');
      return read_;
    },
    write: (value) => value,
  };
}

/** A byte string of `min` to `max` bytes. */
export function bytes(key: string, about: string, min: number, max: number = min): Field<Uint8Array> {
  const form = min === max ? `bin ${min}` : `bin ${min}..${max}`;
  return field(key, form, about, (value) =>
    value instanceof Uint8Array && value.length >= min && value.length <= max ? value : undefined,
  );
}

export function uint(key: string, about: string, max: number): Field<number> {
  return field(key, `uint 0..${max}`, about, (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max ? value : undefined,
  );
}

export function id(key: string, about: string): Field<string> {
  return field(key, 'id', about, (value) => (typeof value === 'string' && isId(value) ? value : undefined));
}

export function flag(key: string, about: string): Field<boolean> {
  return field(key, 'bool', about, (value) => (typeof value === 'boolean' ? value : undefined));
}

export function code(key: string, about: string): Field<string> {
  return field(key, 'code', about, (value) => (typeof value === 'string' && CODE.test(value) ? value : undefined));
}

export function codes(key: string, about: string): Field<readonly string[]> {
  return field(key, `array of 1..${MAX_CODES} code`, about, (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_CODES &&
    value.every((one): one is string => typeof one === 'string' && CODE.test(one))
      ? value
      : undefined,
  );
}

/** One of a closed list, sent as its number. */
export function choice<T extends string>(
  key: string,
  about: string,
  numbers: Readonly<Record<T, number>>,
  allowed: readonly T[],
): Field<T> {
  const names = new Map(allowed.map((name) => [numbers[name], name]));
  const form = allowed.map((name) => `${numbers[name]} ${name}`).join(', ');
  return {
    ...field(key, form, about, (value) => (typeof value === 'number' ? names.get(value) : undefined)),
    write: (name) => numbers[name],
  };
}

/** A fixed array of unsigned integers and byte strings, read and written as a record. */
export function tuple<T>(
  key: string,
  form: string,
  about: string,
  read: (items: readonly unknown[]) => T | undefined,
  write: (value: T) => readonly unknown[],
): Field<T> {
  return { ...field(key, form, about, (value) => (Array.isArray(value) ? read(value) : undefined)), write };
}

export function optional<T>(inner: Field<T>): OptionalField<T> {
  return { ...inner, optional: true };
}

/** An unsigned integer of at most 32 bits. */
export function isU32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
