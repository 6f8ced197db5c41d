import { closeCodeOf, type RefusalCode } from '@mtm-attest/protocol';

/** Time for the peer's half of the closing handshake, in milliseconds; then the socket is cut off. */
export const CLOSE_DEADLINE_MS = 1000;

/** Ends a connection, and says why. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** WebSocket close code */
  readonly close: number;
  /** for the operator alone; no secrets */
  readonly reason: string | undefined;

  constructor(code: RefusalCode, options: { readonly close?: number; readonly reason?: string } = {}) {
    super(code);
    this.code = code;
    this.close = options.close ?? closeCodeOf(code);
    this.reason = options.reason;
  }
}
