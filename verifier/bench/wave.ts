import { type Channel, type Dial, dial } from '@mtm-attest/agent';
import { MESSAGES } from '@mtm-attest/protocol';

/** A canonical map of one-letter keys ends with `t`, the type. */
const EVIDENCE = MESSAGES.evidence.type;
/** A wave that does not fill goes after this time. */
const PATIENCE_MS = 300;

/**
 * Holds evidence back until so many terminals have theirs, then lets all of it go: at the daemon it is always as if a large fleet had sent, whatever
 * the terminals' own cost is here.
 */
export class Waves {
  /** 1 holds nothing back */
  size = 1;
  #held: (() => void)[] = [];
  #patience: NodeJS.Timeout | undefined;

  readonly dial: Dial = async (options) => {
    const channel = await dial(options);
    const inWaves: Channel = {
      binding: channel.binding,
      send: (message) => {
        if (this.size > 1 && isEvidence(message)) this.#hold(() => channel.send(message));
        else channel.send(message);
      },
      receive: (withinMs) => channel.receive(withinMs),
      pause: () => channel.pause(),
      close: () => channel.close(),
    };
    return inWaves;
  };

  #hold(send: () => void): void {
    this.#held.push(send);
    if (this.#held.length >= this.size) this.#release();
    else this.#patience ??= setTimeout(() => this.#release(), PATIENCE_MS);
  }

  #release(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    for (const send of this.#held.splice(0)) send();
  }
}

function isEvidence(message: Uint8Array): boolean {
  return message.at(-2) === 't'.charCodeAt(0) && message.at(-1) === EVIDENCE;
}
