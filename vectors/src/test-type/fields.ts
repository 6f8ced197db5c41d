import { fromHex } from '@mtm-attest/protocol';
import { isArray, isMap, type Plain } from '../format/plain.ts';
import type { Fields } from './test-type.ts';

/** Reads of fields whose form the schema has already judged: another form is a defect of the schema. */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new RangeError(`${name} is no text`);
  return value;
}

export function bytesOf(fields: Fields, name: string): Uint8Array {
  return fromHex(textOf(fields, name));
}

export function optionalBytesOf(fields: Fields, name: string): Uint8Array | undefined {
  return fields[name] === undefined ? undefined : bytesOf(fields, name);
}

export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new RangeError(`${name} is no number`);
  return value;
}

export function optionalNumberOf(fields: Fields, name: string): number | undefined {
  return fields[name] === undefined ? undefined : numberOf(fields, name);
}

export function flagOf(fields: Fields, name: string): boolean {
  return fields[name] === true;
}

export function u64Of(fields: Fields, name: string): bigint {
  return BigInt(textOf(fields, name));
}

export function textsOf(fields: Fields, name: string): readonly string[] {
  return itemsOf(fields, name).map((item) => {
    if (typeof item !== 'string') throw new RangeError(`${name} holds something else than text`);
    return item;
  });
}

export function byteStringsOf(fields: Fields, name: string): readonly Uint8Array[] {
  return textsOf(fields, name).map(fromHex);
}

export function recordOf(fields: Fields, name: string): Fields {
  const value = fields[name];
  if (!isMap(value)) throw new RangeError(`${name} is no object`);
  return value;
}

export function optionalRecordOf(fields: Fields, name: string): Fields | undefined {
  return fields[name] === undefined ? undefined : recordOf(fields, name);
}

function itemsOf(fields: Fields, name: string): readonly Plain[] {
  const value = fields[name];
  if (!isArray(value)) throw new RangeError(`${name} is no list`);
  return value;
}
