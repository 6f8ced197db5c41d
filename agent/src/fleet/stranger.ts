import { encodeMessage, parseMessage } from '@mtm-attest/protocol';
import type { Channel, Dial, DialOptions } from '../session/channel.ts';
import { random } from './power.ts';

const ANSWER_MS = 10_000;
const BINDING_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Somebody who knows everything of a terminal but its session key, and has connections of their own to its verifier. */
export class Stranger {
  readonly #dial: Dial;
  readonly #options: DialOptions;

  constructor(dial: Dial, options: DialOptions) {
    this.#dial = dial;
    this.#options = options;
  }

  /** Says something right after the greeting. @returns whether the verifier ended the connection without a challenge */
  async isTurnedAway(message: Uint8Array): Promise<boolean> {
    const channel = await this.#dial(this.#options);
    try {
      await channel.receive(ANSWER_MS);
      channel.send(message);
      for (;;) {
        const answer = await channel.receive(ANSWER_MS);
        if (answer === undefined) return true;
        if (parseMessage(answer, 'verifier').type !== 'refusal') return false;
      }
    } finally {
      channel.close();
    }
  }
}

/** A hello in the name of a terminal, signed by nobody. */
export function forgedHello(terminal: string): Uint8Array {
  return encodeMessage({ type: 'hello', terminal, signature: random(SIGNATURE_BYTES) });
}

/** Somebody in the middle whom the terminal takes for its verifier: what it says goes on over another TLS session than its own. */
export function throughStranger(dial: Dial, relayed: (channel: Channel) => void): Dial {
  return async (options) => {
    const channel = await dial(options);
    relayed(channel);
    return {
      binding: { type: channel.binding.type, value: random(BINDING_BYTES) },
      send: (message) => channel.send(message),
      receive: (withinMs) => channel.receive(withinMs),
      pause: () => channel.pause(),
      close: () => channel.close(),
    };
  };
}
