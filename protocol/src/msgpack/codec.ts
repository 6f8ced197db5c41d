import { Unpackr } from 'msgpackr';
import { checkStrict } from './strict.ts';
import { Writer } from './writer.ts';

/** What the canonical encoding can hold. Integers are unsigned; written as numbers up to 2^53 - 1, read as bigint above 2^53 (F-47). */
export type MsgpackValue = number | bigint | boolean | string | Uint8Array | readonly MsgpackValue[] | MsgpackMap;

/** A decoded map, its keys still to be held against a form. */
export type MsgpackMap = { readonly [key: string]: MsgpackValue };

export function isMsgpackMap(value: MsgpackValue): value is MsgpackMap {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Array.isArray forgets what readonly arrays hold. */
export function isMsgpackArray(value: MsgpackValue | undefined): value is readonly MsgpackValue[] {
  return Array.isArray(value);
}

/** What msgpackr calls a number where it is safe and a bigint above; its types do not know the word. */
const NUMBER_OR_BIGINT = 'auto' as 'bigint';

/** Records and extensions never see input, because the strict walk comes first (F-43); the key cache holds 4096 short keys at most (F-49). */
const UNPACKR = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: NUMBER_OR_BIGINT });

/**
 * The value of one canonical encoding. Its byte strings are views on one copy of the input, since receive buffers are pooled (F-48); a copy
 * for each would take more than 64 bytes of heap for each byte of an input that is full of short ones.
 *
 * @throws ProtocolError `msgpack.*` with the offset
 */
export function decodeStrict(bytes: Uint8Array): MsgpackValue {
  const own = new Uint8Array(bytes);
  checkStrict(own);
  return UNPACKR.unpack(own) as MsgpackValue;
}

/** The canonical encoding of a value (SPEC.md 2). A value outside MsgpackValue is a defect of the caller. */
export function encodeCanonical(value: MsgpackValue): Uint8Array {
  return new Writer().value(value).done();
}
