import { MAX_SLICE_BYTES, type Message } from '@mtm-attest/protocol';

/** Bytes cut anew into slices as long as a part may be; none where there are no bytes. */
export async function* slicesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : new Uint8Array(Buffer.concat([rest, piece]));
    let at = 0;
    for (; bytes.length - at >= MAX_SLICE_BYTES; at += MAX_SLICE_BYTES) yield bytes.subarray(at, at + MAX_SLICE_BYTES);
    rest = bytes.slice(at);
  }
  if (rest.length > 0) yield rest;
}

/** Slices as the parts of one kind, the last of them marked; one empty part where there are none. */
export async function* partsOf(
  challenge: Uint8Array,
  kind: Message<'part'>['kind'],
  slices: AsyncIterator<Uint8Array>,
): AsyncGenerator<Message<'part'>> {
  try {
    let slice = await slices.next();
    do {
      const next = slice.done === true ? slice : await slices.next();
      const body = slice.done === true ? new Uint8Array() : slice.value;
      yield { type: 'part', challenge, kind, body, ...(next.done === true ? { last: true } : {}) };
      slice = next;
    } while (slice.done !== true);
  } finally {
    await slices.return?.();
  }
}

/** The same iterator with its first value looked at. */
export async function peeked<T>(
  values: AsyncIterator<T>,
): Promise<{ readonly isEmpty: boolean; readonly values: AsyncGenerator<T> }> {
  const first = await values.next();
  async function* all(): AsyncGenerator<T> {
    try {
      for (let next = first; next.done !== true; next = await values.next()) yield next.value;
    } finally {
      await values.return?.();
    }
  }
  return { isEmpty: first.done === true, values: all() };
}
