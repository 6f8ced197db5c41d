import { decodeEvent, ProtocolError, toHex } from '@mtm-attest/protocol';

/** One event in words. What an event says of itself is shown with escapes where it is not plain text (F-95). */
export function eventText(pcr: number, content: Uint8Array): string {
  try {
    const { type, ...fields } = decodeEvent(pcr, content);
    const shown = Object.entries(fields).map(([name, value]) => `${name} ${shownValue(value)}`);
    return [type, ...shown].join(', ');
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${error.code}: ${toHex(content.subarray(0, 64))}`;
  }
}

function shownValue(value: unknown): string {
  return value instanceof Uint8Array ? toHex(value) : String(value);
}
