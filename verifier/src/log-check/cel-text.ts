import {
  type CelProof,
  type CelRecord,
  fileMeasurement,
  ProtocolError,
  shownPath,
  shownText,
  tcgEventName,
  tcgEventText,
  toHex,
} from '@mtm-attest/protocol';

const MAX_SHOWN_BYTES = 64;

/** One record in words; what a record says of itself is shown with escapes (F-95), and with its digest where that does not prove it. */
export function celRecordText(record: CelRecord, proof: CelProof): string {
  const what = contentText(record);
  const index = record.index.type === 'nv' ? `NV 0x${record.index.nvIndex.toString(16)}: ` : '';
  const digest = record.digests.at(-1)?.digest ?? new Uint8Array();
  switch (proof) {
    case 'covered':
    case 'unmeasured':
      return `${index}${what}`;
    case 'violation':
      return `${index}${what} [VIOLATION]`;
    case 'partly':
      return `${index}${what} [proven in part by its digest ${toHex(digest)}]`;
    case 'uncovered':
      return `${index}${what} [not proven by its digest ${toHex(digest)}]`;
    case 'contradicted':
      return `${index}${what} [contradicts its digest ${toHex(digest)}]`;
  }
}

function contentText({ content }: CelRecord): string {
  switch (content.type) {
    case 'cel':
      return eventText(content.event);
    case 'pcclient_std': {
      const { eventType, eventData } = content;
      const name = tcgEventName(eventType) ?? `type 0x${eventType.toString(16)}`;
      return `${name}: ${tcgEventText(eventType, eventData, 8).text}`;
    }
    case 'ima_template':
      return imaText(content.name, content.data);
    case 'ima_tlv':
      return `ima_tlv ${bytesText(content.data)}`;
    case 'systemd':
      return `systemd ${shownText(Buffer.from(content.data).toString('latin1'))}`;
  }
}

function eventText(event: Extract<CelRecord['content'], { type: 'cel' }>['event']): string {
  switch (event.type) {
    case 'cel_version':
      return `cel_version ${event.major}.${event.minor}`;
    case 'firmware_end':
      return 'firmware_end';
    case 'cel_timestamp':
      return `cel_timestamp ${event.timestamp}`;
    case 'state_trans':
      return `state_trans ${event.transition}`;
  }
}

function imaText(template: string, data: Uint8Array): string {
  try {
    const file = fileMeasurement({ template, data });
    if (file === undefined) return `${shownText(template)}, ${bytesText(data)}`;
    const { type, algorithm, digest } = file.digest;
    return `${shownText(template)}, ${type === undefined ? '' : `${type}:`}${algorithm}:${toHex(digest)} ${shownPath(file)}`;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${shownText(template)}, ${error.code}: ${bytesText(data)}`;
  }
}

function bytesText(bytes: Uint8Array): string {
  const hex = toHex(bytes.subarray(0, MAX_SHOWN_BYTES));
  return bytes.length <= MAX_SHOWN_BYTES ? hex : `${hex}... (${bytes.length} bytes)`;
}
