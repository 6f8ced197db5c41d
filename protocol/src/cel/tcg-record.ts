import { TCG_EVENT_TYPES } from '../tcg-log/event-type.ts';
import type { TcgRecord } from '../tcg-log/record.ts';
import { type CelContent, type CelRecord, celPcr } from './record.ts';

const NO_ACTION = TCG_EVENT_TYPES.EV_NO_ACTION.code;
/** An event that extends, and of which nothing else follows. */
const PLAIN = TCG_EVENT_TYPES.EV_EVENT_TAG.code;
const NO_PCR = 0xffffffff;

/** Whether the digests of a record were extended: EV_NO_ACTION, the version and the end of the firmware's part never are. */
export function isMeasured({ content }: Pick<CelRecord, 'content'>): boolean {
  if (content.type === 'cel') return content.event.type !== 'cel_version' && content.event.type !== 'firmware_end';
  return content.type !== 'pcclient_std' || content.eventType !== NO_ACTION;
}

/** What a record means for PCRs, in the terms of firmware logs. */
export function asTcgRecord({ recnum, index, digests, content }: CelRecord, offset = 0): TcgRecord {
  const { type, data } = typeAndData(content);
  const pcr = index.type === 'pcr' ? index.pcr : NO_PCR;
  return { log: 0, index: recnum, offset, pcr, type, digests, data, specId: undefined };
}

function typeAndData(content: CelContent): Pick<TcgRecord, 'type' | 'data'> {
  if (content.type === 'pcclient_std') return { type: content.eventType, data: content.eventData };
  return { type: PLAIN, data: content.type === 'cel' ? new Uint8Array() : content.data };
}

/**
 * A record of a firmware log, but for its number.
 * @returns undefined for an EV_NO_ACTION without a PCR, which extends nothing and has no place in this format
 */
export function celOfTcg({ pcr, type, digests, data }: TcgRecord): Omit<CelRecord, 'recnum'> | undefined {
  if (pcr === NO_PCR) return undefined;
  const content = { type: 'pcclient_std', eventType: type, eventData: data } as const;
  return { index: celPcr(pcr), digests, content };
}
