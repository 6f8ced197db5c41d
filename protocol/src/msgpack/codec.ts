import { Unpackr } from 'msgpackr';
import { checkStrict } from './strict.ts';
import { Writer } from './writer.ts';

/** What the canonical encoding can hold. Integers are unsigned; above 2^53 - 1 they are bigint (F-47). */
export type MsgpackValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly MsgpackValue[]
  | MsgpackMap;

/** A decoded map, its keys still to be held against a form. */
export type MsgpackMap = { readonly [key: string]: MsgpackValue };

export function isMsgpackMap(value: MsgpackValue): value is MsgpackMap {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** What msgpackr calls a number where it is safe and a bigint above; its types do not know the word. */
const NUMBER_OR_BIGINT = 'auto' as 'bigint';

/**
 * Byte strings are copied out of the input, since receive buffers are pooled (F-48); records, extensions and the key cache never see
 * input, because the strict walk comes first (F-43, F-49).
 */
const UNPACKR = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: NUMBER_OR_BIGINT, copyBuffers: true });

/**
 * The value of one canonical encoding.
 * @throws ProtocolError `msgpack.*` with the offset
 */
export function decodeStrict(bytes: Uint8Array): MsgpackValue {
  checkStrict(bytes);
  return UNPACKR.unpack(bytes) as MsgpackValue;
}

/** The canonical encoding of a value (SPEC.md 2). A value outside MsgpackValue is a defect of the caller. */
export function encodeCanonical(value: MsgpackValue): Uint8Array {
  return new Writer().value(value).done();
}
