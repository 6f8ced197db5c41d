import { decodeStrict, encodeCanonical, isMsgpackArray, type MsgpackValue } from '@mtm-attest/protocol';
import { AGENT_CODES, type AgentCode, AgentError } from '../../error.ts';

/** Largest frame, in bytes; the length in front of it is a u32, big-endian. */
export const MAX_FRAME_BYTES = 65536;
const LENGTH_BYTES = 4;
const MAX_TEXT = 256;
const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/** A length-prefixed canonical msgpack array. */
export function encodeFrame(values: readonly MsgpackValue[]): Uint8Array {
  const body = encodeCanonical(values);
  if (body.length > MAX_FRAME_BYTES) throw new AgentError('platform.refused', 'the frame is too long');
  const frame = Buffer.alloc(LENGTH_BYTES + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/**
 * The frames of a stream, in order; a last one that is cut off is none. Holds at most one frame and the chunk that ends it.
 * @throws AgentError `platform.refused`; ProtocolError `msgpack.*`
 */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Fields, void, undefined> {
  let held: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      if (held.length < LENGTH_BYTES) break;
      const length = new DataView(held.buffer, held.byteOffset).getUint32(0);
      if (length > MAX_FRAME_BYTES) throw new AgentError('platform.refused', 'the frame is too long');
      if (held.length < LENGTH_BYTES + length) break;
      yield new Fields(decodeStrict(held.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
      held = held.subarray(LENGTH_BYTES + length);
    }
  }
}

/** The values of one frame, read one after the other, each within bounds. Whatever does not fit is `platform.refused` (F-42). */
export class Fields {
  readonly #values: readonly MsgpackValue[];
  #next = 0;

  constructor(value: MsgpackValue) {
    if (!isMsgpackArray(value)) throw new AgentError('platform.refused', 'frame');
    this.#values = value;
  }

  bytes(least: number, most: number = least): Uint8Array {
    const value = this.#take();
    if (value instanceof Uint8Array && value.length >= least && value.length <= most) return value;
    throw new AgentError('platform.refused', 'bytes');
  }

  text(): string {
    const value = this.#take();
    if (typeof value === 'string' && value.length <= MAX_TEXT) return value;
    throw new AgentError('platform.refused', 'text');
  }

  uint(most: number): number {
    const value = this.#take();
    if (typeof value === 'number' && value <= most) return value;
    throw new AgentError('platform.refused', 'number');
  }

  /** A u64, which comes as a number where it is small. */
  u64(): bigint {
    const value = this.#take();
    const number = typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : -1n;
    if (number >= 0n && number <= MAX_U64) return number;
    throw new AgentError('platform.refused', 'counter');
  }

  flag(): boolean {
    const value = this.#take();
    if (typeof value === 'boolean') return value;
    throw new AgentError('platform.refused', 'flag');
  }

  choice<T extends string>(allowed: readonly T[]): T {
    const value = this.#take();
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw new AgentError('platform.refused', 'choice');
    return found;
  }

  /** Nothing may remain. */
  end(): void {
    if (this.#next !== this.#values.length) throw new AgentError('platform.refused', 'more fields than the verb has');
  }

  #take(): MsgpackValue | undefined {
    return this.#values[this.#next++];
  }
}

/** `[true, ...fields]` */
export function encodeAnswer(fields: readonly MsgpackValue[]): Uint8Array {
  return encodeFrame([true, ...fields]);
}

/** `[false, code]`: no text, so that nothing of the TrE's inside crosses with it (F-77). */
export function encodeFailure(error: unknown): Uint8Array {
  return encodeFrame([false, error instanceof AgentError ? error.code : 'platform.failed']);
}

/** The fields of an answer. @throws AgentError with the code that the TrE gave */
export function readAnswer(answer: Fields): Fields {
  if (answer.flag()) return answer;
  throw new AgentError(answer.choice(Object.keys(AGENT_CODES) as AgentCode[]));
}
