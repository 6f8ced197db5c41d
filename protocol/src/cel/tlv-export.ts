import { utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import {
  CEL_CONTENT_TYPES,
  CEL_EVENT_TYPES,
  CEL_TRANSITIONS,
  type CelContent,
  type CelEvent,
  type CelRecord,
} from './record.ts';

const BYTE = 0xff;

/**
 * One record in CEL-TLV, in one way: recnum in 8 bytes, a PCR in 1, an NV index and an event type in 4, a timestamp in 8.
 * @throws ProtocolError `cel.digests` for an algorithm whose number takes more than one byte, which this encoding cannot name
 * @see TCG Canonical Event Log Format 5.1
 */
export function encodeCelTlv({ recnum, index, digests, content }: CelRecord): Uint8Array {
  const writer = new Writer(512);
  tlv(writer, 0, new Writer(8).u64(BigInt(recnum)).written());
  if (index.type === 'pcr') tlv(writer, 1, Uint8Array.of(index.pcr));
  else tlv(writer, 2, u32(index.nvIndex));
  const list = new Writer();
  for (const { algorithm, digest } of digests) {
    if (algorithm > BYTE) throw new ProtocolError('cel.digests');
    tlv(list, algorithm, digest);
  }
  tlv(writer, 3, list.written());
  tlv(writer, CEL_CONTENT_TYPES[content.type], contentValue(content));
  return writer.done();
}

function tlv(writer: Writer, type: number, value: Uint8Array): void {
  writer.u8(type).lengthPrefixed(value);
}

function u32(value: number): Uint8Array {
  return new Writer(4).u32(value).done();
}

function contentValue(content: CelContent): Uint8Array {
  const writer = new Writer();
  switch (content.type) {
    case 'cel':
      tlv(writer, CEL_EVENT_TYPES[content.event.type], eventValue(content.event));
      return writer.done();
    case 'pcclient_std':
      tlv(writer, 0, u32(content.eventType));
      tlv(writer, 1, content.eventData);
      return writer.done();
    case 'ima_template':
      tlv(writer, 0, utf8(content.name));
      tlv(writer, 1, content.data);
      return writer.done();
    case 'ima_tlv':
    case 'systemd':
      return content.data;
  }
}

function eventValue(event: CelEvent): Uint8Array {
  const writer = new Writer();
  switch (event.type) {
    case 'cel_version':
      tlv(writer, 0, new Writer(2).u16(event.major).done());
      tlv(writer, 1, new Writer(2).u16(event.minor).done());
      return writer.done();
    case 'firmware_end':
      return new Uint8Array();
    case 'cel_timestamp':
      return writer.u64(event.timestamp).done();
    case 'state_trans':
      return Uint8Array.of(CEL_TRANSITIONS.indexOf(event.transition));
  }
}
