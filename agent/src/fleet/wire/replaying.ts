import type { Message } from '@mtm-attest/protocol';
import { type Answer, evidenceOf, messagesOf, partOf } from './answer.ts';
import type { Interceptor, Line } from './line.ts';

/**
 * Puts a recorded answer in the place of every fresh one.
 * @param under `open`: the id of the challenge that is open; `recorded`: the id it was made for
 */
export function replaying(answer: Answer, under: 'open' | 'recorded', replayed: () => void): Interceptor {
  return {
    outgoing: (message, line) => {
      const fresh = evidenceOf(message);
      if (fresh !== undefined) {
        sendAnswer(answer, under === 'open' ? fresh.challenge : answer.evidence.challenge, line);
        replayed();
      } else if (partOf(message) === undefined) {
        line.send(message);
      }
    },
  };
}

/** Keeps an answer made for one connection, and sends it on every later one under the id of the challenge open there. */
export class Relay implements Interceptor {
  readonly #relayed: () => void;
  readonly #parts: Message<'part'>[] = [];
  #kept: Message<'evidence'> | undefined;
  #madeOn: Line | undefined;

  /** @param relayed told each time it goes out */
  constructor(relayed: () => void) {
    this.#relayed = relayed;
  }

  outgoing(message: Uint8Array, line: Line): void {
    const fresh = evidenceOf(message);
    const part = partOf(message);
    if (fresh !== undefined) this.#evidence(fresh, line);
    else if (part === undefined) line.send(message);
    else if (line === this.#madeOn) this.#parts.push(part);
  }

  #evidence(fresh: Message<'evidence'>, line: Line): void {
    if (this.#kept === undefined) {
      this.#kept = fresh;
      this.#madeOn = line;
      line.close();
    } else if (line !== this.#madeOn) {
      sendAnswer({ evidence: this.#kept, parts: this.#parts }, fresh.challenge, line);
      this.#relayed();
    }
  }
}

function sendAnswer(answer: Answer, challenge: Uint8Array, line: Line): void {
  for (const message of messagesOf(answer, challenge)) line.send(message);
}
