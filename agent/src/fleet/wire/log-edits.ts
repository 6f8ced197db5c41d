import { decodeEvent, encodeEvent, encodeRecord, readWholeRecords } from '@mtm-attest/protocol';

interface LogRecord {
  readonly pcr: number;
  readonly content: Uint8Array;
}

/** The records of a log or of a slice. */
export function recordsOf(log: Uint8Array): readonly LogRecord[] {
  const records: LogRecord[] = [];
  readWholeRecords(log, 0, (pcr, content) => records.push({ pcr, content: content.slice() }));
  return records;
}

function logOf(records: readonly LogRecord[]): Uint8Array {
  return new Uint8Array(Buffer.concat(records.map(({ pcr, content }) => encodeRecord(pcr, content))));
}

/** Leaves one event out: the last, or one in the middle. */
export function truncated(log: Uint8Array, where: 'end' | 'middle'): Uint8Array {
  const records = recordsOf(log);
  const left = where === 'end' ? records.length - 1 : Math.floor(records.length / 2);
  return logOf(records.filter((_, i) => i !== left));
}

/** Events of another boot in the place of this one's; the newest event stays, so that the nonce is the right one. */
export function spliced(log: Uint8Array, other: Uint8Array): Uint8Array {
  return logOf([...recordsOf(other), ...recordsOf(log).slice(-1)]);
}

/** The first component gets another name, or where the slice has none, the last audit another nonce. */
export function relabelled(log: Uint8Array): Uint8Array {
  const records = recordsOf(log);
  const component = records.findIndex(({ pcr, content }) => decodeEvent(pcr, content).type === 'component');
  const at = component < 0 ? records.length - 1 : component;
  return logOf(records.map((record, i) => (i === at ? withOtherLabel(record) : record)));
}

function withOtherLabel({ pcr, content }: LogRecord): LogRecord {
  const event = decodeEvent(pcr, content);
  if (event.type === 'component') return { pcr, content: encodeEvent({ ...event, name: `${event.name}.old` }) };
  if (event.type === 'audit') return { pcr, content: encodeEvent({ ...event, nonce: event.nonce.toReversed() }) };
  return { pcr, content };
}
