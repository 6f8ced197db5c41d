import {
  encodeEvent,
  encodeMessage,
  encodeRecord,
  type LogEvent,
  type Message,
  parseMessage,
} from '@mtm-attest/protocol';
import type { Line } from '../../../src/fleet/wire/line.ts';

/** A line whose other end is the test: what came out, in order, and what was done to it. */
export class TestLine implements Line {
  readonly sent: Uint8Array[] = [];
  closed = 0;
  paused = 0;

  send(message: Uint8Array): void {
    this.sent.push(message);
  }

  pause(): void {
    this.paused += 1;
  }

  close(): void {
    this.closed += 1;
  }

  /** Type and challenge of each message that came out. */
  get told(): readonly string[] {
    return this.sent.map((bytes) => {
      const message = parseMessage(bytes, 'terminal');
      return 'challenge' in message ? `${message.type} ${message.challenge[0]}` : message.type;
    });
  }
}

function idOf(challenge: number): Uint8Array {
  return new Uint8Array(8).fill(challenge);
}

export function evidence(challenge: number, more: Partial<Message<'evidence'>> = {}): Uint8Array {
  const bytes = new Uint8Array([challenge]);
  return encodeMessage({
    type: 'evidence',
    challenge: idOf(challenge),
    attest: bytes,
    signature: bytes,
    claims: bytes,
    log: new Uint8Array(),
    ...more,
  });
}

export function part(challenge: number): Uint8Array {
  return encodeMessage({ type: 'part', challenge: idOf(challenge), kind: 'list', body: new Uint8Array(1), last: true });
}

export const HELLO: Uint8Array = encodeMessage({ type: 'hello', terminal: 't-1', signature: new Uint8Array(64) });

/** Records of these events, each in the PCR that it belongs to. */
export function logOf(...events: readonly (readonly [pcr: number, event: LogEvent])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(events.map(([pcr, event]) => encodeRecord(pcr, encodeEvent(event)))));
}
