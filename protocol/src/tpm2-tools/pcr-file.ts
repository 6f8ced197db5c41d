import type { PcrSelection, PcrValues } from '../tpm/pcr.ts';
import { readJson } from './json-pcrs.ts';
import { type Filling, put, type Slot, slotsOf } from './pcr-slots.ts';
import { isSerialized, readSerialized } from './serialized-pcrs.ts';

/** The forms of tpm2-tools (`--pcrs_format serialized` and `values`), and ours: JSON {bank: {index: hex}}. They carry no mark. */
export interface PcrFile {
  readonly form: 'serialized' | 'values' | 'json';
  readonly values: PcrValues;
  /** what the file itself says it holds; JSON says nothing about order */
  readonly selection?: PcrSelection;
}

/**
 * A PCR file of any form, told apart by its size first: values are as long as the selection says, the serialized form by its count of lists.
 * Every byte is accounted for: padding is zero, JSON has one way to write a value.
 *
 * @param selection what the values are of; without it the `values` form cannot be read
 * @returns values copied out of `bytes`
 * @throws ProtocolError `file.pcrs`, `file.pcrs-padding`, with the offset where there is one
 */
export function parsePcrFile(bytes: Uint8Array, selection?: PcrSelection): PcrFile {
  if (isSerialized(bytes)) return { form: 'serialized', ...readSerialized(bytes) };
  const slots = slotsOf(selection ?? []);
  if (selection !== undefined && bytes.length === sizeOf(slots))
    return { form: 'values', selection, values: readValues(bytes, slots) };
  return { form: 'json', values: readJson(bytes) };
}

function sizeOf(slots: readonly Slot[]): number {
  return slots.reduce((sum, { size }) => sum + size, 0);
}

function readValues(bytes: Uint8Array, slots: readonly Slot[]): PcrValues {
  const values: Filling = {};
  let at = 0;
  for (const slot of slots) {
    put(values, slot, Uint8Array.from(bytes.subarray(at, at + slot.size)), at);
    at += slot.size;
  }
  return values;
}
