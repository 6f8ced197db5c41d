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

/** Keeps an answer made for one connection, and sends it on a later one under the id of the challenge open there. */
export class Relay implements Interceptor {
  readonly #relayed: () => void;
  readonly #parts: Message<'part'>[] = [];
  #kept: Message<'evidence'> | undefined;
  #madeOn: Line | undefined;
  #relayedOn: Line | undefined;
  #done = false;

  /** @param relayed told once it went out */
  constructor(relayed: () => void) {
    this.#relayed = relayed;
  }

  outgoing(message: Uint8Array, line: Line): void {
    const fresh = evidenceOf(message);
    const part = partOf(message);
    if (fresh !== undefined) this.#evidence(fresh, message, line);
    else if (part === undefined) line.send(message);
    else this.#part(part, message, line);
  }

  #evidence(fresh: Message<'evidence'>, message: Uint8Array, line: Line): void {
    if (this.#kept === undefined) {
      this.#kept = fresh;
      this.#madeOn = line;
      line.close();
    } else if (!this.#done && line !== this.#madeOn) {
      this.#done = true;
      this.#relayedOn = line;
      sendAnswer({ evidence: this.#kept, parts: this.#parts }, fresh.challenge, line);
      this.#relayed();
    } else {
      this.#relayedOn = undefined;
      line.send(message);
    }
  }

  /** Parts belong to the evidence before them. */
  #part(part: Message<'part'>, message: Uint8Array, line: Line): void {
    if (line === this.#madeOn) this.#parts.push(part);
    else if (line !== this.#relayedOn) line.send(message);
  }
}

function sendAnswer(answer: Answer, challenge: Uint8Array, line: Line): void {
  for (const message of messagesOf(answer, challenge)) line.send(message);
}
