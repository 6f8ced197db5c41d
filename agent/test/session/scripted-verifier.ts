import {
  type ChannelBinding,
  encodeMessage,
  type Message,
  type MessageName,
  parseMessage,
  parseSelectionText,
  type TerminalMessage,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { AgentError } from '../../src/error.ts';
import type { Channel } from '../../src/session/channel.ts';

export const SELECTION = writePcrSelection(parseSelectionText('sha256:0,4,5,10,11,12,13'));

/** The other end of a channel, played by a test: it says what it is told to and reads what the terminal says. */
export class ScriptedVerifier {
  readonly channel: Channel;
  readonly #toTerminal: Uint8Array[] = [];
  readonly #fromTerminal: Uint8Array[] = [];
  #terminalWaits: ((message: Uint8Array | undefined) => void) | undefined;
  #verifierWaits: ((message: Uint8Array | undefined) => void) | undefined;
  #closed = false;

  constructor(binding: ChannelBinding = { type: 'tls-exporter', value: new Uint8Array(32).fill(7) }) {
    this.channel = {
      binding,
      send: (message) => {
        if (this.#verifierWaits === undefined) this.#fromTerminal.push(message);
        else this.#verifierWaits(message);
        this.#verifierWaits = undefined;
      },
      receive: async (withinMs) => {
        const next = this.#toTerminal.shift();
        if (next !== undefined || this.#closed) return next;
        if (withinMs === 0) throw new AgentError('session.timeout');
        return new Promise((resolve) => {
          this.#terminalWaits = resolve;
        });
      },
      pause: () => undefined,
      close: () => {
        this.close();
      },
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @returns the bytes, as they are hashed into an answer */
  say<N extends MessageName>(message: Message<N>): Uint8Array {
    const bytes = encodeMessage(message);
    this.sayBytes(bytes);
    return bytes;
  }

  sayBytes(bytes: Uint8Array): void {
    if (this.#terminalWaits === undefined) this.#toTerminal.push(bytes);
    else this.#terminalWaits(bytes);
    this.#terminalWaits = undefined;
  }

  greet(audience = 'verifier'): void {
    this.say({ type: 'greeting', nonce: new Uint8Array(32).fill(1), audience, binding: 'tls-exporter' });
  }

  /** @param cursor undefined asks for the whole log */
  challenge(nonce: number, extra: Partial<Message<'challenge'>> = {}): Uint8Array {
    const cursor = { resetCount: 0, restartCount: 0, count: 0, prefix: new Uint8Array(16) };
    return this.say({
      type: 'challenge',
      nonce: new Uint8Array(32).fill(nonce),
      purpose: 'gate',
      selection: SELECTION,
      cursor,
      ...extra,
    });
  }

  /** The terminal's next message; it must be of this type. */
  async hears<N extends TerminalMessage['type']>(type: N): Promise<Extract<TerminalMessage, { type: N }>> {
    const bytes =
      this.#fromTerminal.shift() ??
      (await new Promise<Uint8Array | undefined>((resolve) => {
        this.#verifierWaits = resolve;
      }));
    const message = parseMessage(bytes ?? new Uint8Array(), 'terminal');
    if (message.type !== type) throw new RangeError(`the terminal said ${message.type}`);
    return message as Extract<TerminalMessage, { type: N }>;
  }

  close(): void {
    this.#closed = true;
    this.#terminalWaits?.(undefined);
    this.#verifierWaits?.(undefined);
  }
}
