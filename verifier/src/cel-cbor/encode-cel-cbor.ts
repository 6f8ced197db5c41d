import {
  CEL_CONTENT_TYPES,
  CEL_EVENT_TYPES,
  CEL_TRANSITIONS,
  type CelContent,
  type CelEvent,
  type CelRecord,
} from '@mtm-attest/protocol';
import { encode } from 'cborg';

/** The head of a log of so many records in CEL-CBOR; the records stand behind it. */
export function celCborHead(records: number): Uint8Array {
  const head = encode(records);
  // An array's head is that of a number with another major type.
  head[0] = (head[0] ?? 0) | 0x80;
  return head;
}

/** One record in CEL-CBOR, deterministically encoded. @see TCG Canonical Event Log Format 1.1, 5.2 */
export function encodeCelCbor({ recnum, index, digests, content }: CelRecord): Uint8Array {
  return encode(
    new Map<number, unknown>([
      [0, recnum],
      index.type === 'pcr' ? [1, index.pcr] : [2, index.nvIndex],
      [3, digests.map(({ algorithm, digest }) => pair(algorithm, digest))],
      [9, CEL_CONTENT_TYPES[content.type]],
      [10, contentValue(content)],
    ]),
  );
}

function pair(first: unknown, second: unknown): Map<number, unknown> {
  return new Map([
    [0, first],
    [1, second],
  ]);
}

function contentValue(content: CelContent): unknown {
  switch (content.type) {
    case 'cel':
      return eventValue(content.event);
    case 'pcclient_std':
      return pair(content.eventType, content.eventData);
    case 'ima_template':
      return pair(content.name, content.data);
    case 'ima_tlv':
    case 'systemd':
      return content.data;
  }
}

function eventValue(event: CelEvent): unknown {
  const number = CEL_EVENT_TYPES[event.type];
  switch (event.type) {
    case 'cel_version':
      return pair(number, pair(event.major, event.minor));
    case 'firmware_end':
      return new Map([[0, number]]);
    case 'cel_timestamp':
      return pair(number, event.timestamp);
    case 'state_trans':
      return pair(number, CEL_TRANSITIONS.indexOf(event.transition));
  }
}
