import { Cursor } from '../bytes/cursor.ts';
import { ProtocolError } from '../error.ts';

const SCALAR_BYTES = 32;
const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * r and s of an Ecdsa-Sig-Value (RFC 3279, 2.2.3) on P-256 in DER: lengths of one byte, integers positive and in their shortest form, nothing
 * behind.
 * @returns r and s, 32 bytes each
 * @throws ProtocolError `file.signature` with the offset
 */
export function scalarsOfDer(bytes: Uint8Array): Uint8Array {
  try {
    const cursor = new Cursor(bytes);
    demand(cursor.u8() === SEQUENCE && cursor.u8() === cursor.remaining, 1);
    const both = new Uint8Array(2 * SCALAR_BYTES);
    for (const end of [SCALAR_BYTES, 2 * SCALAR_BYTES]) {
      const scalar = readInteger(cursor);
      both.set(scalar, end - scalar.length);
    }
    cursor.end();
    return both;
  } catch (cause) {
    if (cause instanceof ProtocolError && cause.code !== 'file.signature') {
      throw new ProtocolError('file.signature', cause.offset, { cause });
    }
    throw cause;
  }
}

/** @returns at most 32 bytes without leading zeros */
function readInteger(cursor: Cursor): Uint8Array {
  const at = cursor.offset;
  demand(cursor.u8() === INTEGER, at);
  const integer = cursor.bytes(cursor.u8());
  const [first = 0x80, second = 0] = integer;
  demand(first < 0x80 && (first !== 0 || second >= 0x80), at);
  const scalar = first === 0 ? integer.subarray(1) : integer;
  demand(scalar.length <= SCALAR_BYTES, at);
  return scalar;
}

function demand(holds: boolean, offset: number): void {
  if (!holds) throw new ProtocolError('file.signature', offset);
}
