import type { ProtocolCode, ReasonCode } from '@mtm-attest/protocol';

/** RFC 6455 section 7.4.1. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL = 1002;
export const CLOSE_UNSUPPORTED = 1003;
export const CLOSE_POLICY = 1008;

/** Time for the peer's half of the closing handshake, in milliseconds; then the socket is cut off. */
export const CLOSE_DEADLINE_MS = 1000;

/** What a refusal on the wire can say beside a ProtocolCode. The text is the same for every peer; nothing in it can be measured (F-69). */
export type RefusalCode =
  | ProtocolCode
  | Extract<ReasonCode, 'session.superseded' | 'verifier.malfunction' | 'enrolment.token-reused'>
  | 'session.unproven'
  | 'session.deadline'
  | 'limit.rate'
  | 'limit.connections'
  | 'enrolment.token-invalid'
  | 'enrolment.refused'
  | 'enrolment.same-ak';

/** Ends a connection, and says why. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** WebSocket close code */
  readonly close: number;

  constructor(code: RefusalCode, close: number) {
    super(code);
    this.code = code;
    this.close = close;
  }
}
