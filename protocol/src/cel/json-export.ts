import { toHex } from '../bytes/text.ts';
import { tcgEventName } from '../tcg-log/event-type.ts';
import { hashName } from '../tpm/constants.ts';
import type { CelContent, CelEvent, CelRecord } from './record.ts';

/**
 * One record in CEL-JSON, in one way: members in the order of the specification, no white space, event types by name where they have one.
 * A log is an array of such records.
 * @throws RangeError for a timestamp that a JSON number does not hold exactly
 * @see TCG Canonical Event Log Format 5.3
 */
export function encodeCelJson({ recnum, index, digests, content }: CelRecord): string {
  return JSON.stringify({
    recnum,
    ...(index.type === 'pcr' ? { pcr: index.pcr } : { nv_index: index.nvIndex }),
    digests: digests.map(({ algorithm, digest }) => ({ hashAlg: algorithmName(algorithm), digest: toHex(digest) })),
    content_type: content.type,
    content: contentValue(content),
  });
}

function algorithmName(algorithm: number): string {
  return hashName(algorithm) ?? `0x${algorithm.toString(16).toUpperCase().padStart(4, '0')}`;
}

function contentValue(content: CelContent): unknown {
  switch (content.type) {
    case 'cel':
      return eventValue(content.event);
    case 'pcclient_std': {
      const { eventType, eventData } = content;
      return { event_type: tcgEventName(eventType) ?? eventType, event_data: toHex(eventData) };
    }
    case 'ima_template':
      return { template_name: content.name, template_data: toHex(content.data) };
    case 'ima_tlv':
    case 'systemd':
      return toHex(content.data);
  }
}

function eventValue(event: CelEvent): unknown {
  const { type } = event;
  switch (type) {
    case 'cel_version':
      return { type, data: { major: event.major, minor: event.minor } };
    case 'firmware_end':
      return { type };
    case 'cel_timestamp': {
      const data = Number(event.timestamp);
      if (!Number.isSafeInteger(data)) throw new RangeError('timestamp above 2^53 - 1');
      return { type, data };
    }
    case 'state_trans':
      return { type, data: event.transition };
  }
}
