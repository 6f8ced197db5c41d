import type { Transport } from '../../src/tpm2/transport/transport.ts';

/** A TPM that a test plays. */
export class FakeTransport implements Transport {
  readonly commands: Uint8Array[] = [];
  readonly #answer: (command: Uint8Array, index: number) => Uint8Array | Promise<Uint8Array>;
  closed = false;

  constructor(answer: (command: Uint8Array, index: number) => Uint8Array | Promise<Uint8Array>) {
    this.#answer = answer;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    this.commands.push(command);
    return this.#answer(command, this.commands.length - 1);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** What goes past a transport, and what a test makes of the answers. */
export class Tap implements Transport {
  readonly exchanges: { readonly command: Uint8Array; readonly response: Uint8Array }[] = [];
  /** changes an answer on its way */
  alter: (command: Uint8Array, response: Uint8Array) => Uint8Array = (_command, response) => response;
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async exchange(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const response = await this.#inner.exchange(command, timeoutMs);
    // Copies: a secret in an answer is overwritten once it was taken out.
    this.exchanges.push({ command: Uint8Array.from(command), response: Uint8Array.from(response) });
    return this.alter(command, response);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** An error response. */
export function refusal(code: number): Uint8Array {
  return Uint8Array.of(0x80, 0x01, 0, 0, 0, 10, code >>> 24, (code >>> 16) & 0xff, (code >>> 8) & 0xff, code & 0xff);
}

export function codeOf(command: Uint8Array): number {
  return Buffer.from(command).readUInt32BE(6);
}
