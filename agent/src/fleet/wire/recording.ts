import { type Message, parseMessage } from '@mtm-attest/protocol';
import type { Answer } from './answer.ts';
import type { Interceptor, Line } from './line.ts';

/** Lets everything pass and keeps the newest hello and the newest answer, as a tap on the wire would. */
export class Recording implements Interceptor {
  #hello: Uint8Array | undefined;
  #evidence: Message<'evidence'> | undefined;
  #parts: Message<'part'>[] = [];

  /** @throws RangeError before the first answer has passed */
  get answer(): Answer {
    if (this.#evidence === undefined) throw new RangeError('no answer was recorded yet');
    return { evidence: this.#evidence, parts: this.#parts };
  }

  /** @throws RangeError before the first hello has passed */
  get hello(): Uint8Array {
    if (this.#hello === undefined) throw new RangeError('no hello was recorded yet');
    return this.#hello;
  }

  outgoing(bytes: Uint8Array, line: Line): void {
    const message = parseMessage(bytes, 'terminal');
    if (message.type === 'hello') this.#hello = bytes;
    if (message.type === 'part') this.#parts.push(message);
    if (message.type === 'evidence') {
      this.#evidence = message;
      this.#parts = [];
    }
    line.send(bytes);
  }
}
