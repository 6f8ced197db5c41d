import { isMsgpackMap, type MsgpackValue, toHex } from '@mtm-attest/protocol';
import type { Plain } from '../format/plain.ts';

/**
 * A decoded msgpack value so that JSON keeps its type apart: `{uint}` as decimal text, `{text}`, `{bin}` in hexadecimal, `{map}`; booleans and
 * arrays stand for themselves.
 */
export function codecNotation(value: MsgpackValue): Plain {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return { uint: value.toString() };
  if (typeof value === 'string') return { text: value };
  if (value instanceof Uint8Array) return { bin: toHex(value) };
  if (isMsgpackMap(value)) {
    return { map: Object.fromEntries(Object.entries(value).map(([key, item]) => [key, codecNotation(item)])) };
  }
  return value.map(codecNotation);
}
