import { HASHES, resetPcrs, TCG_EVENT_TYPES, type TcgEventName, utf8 } from '@mtm-attest/protocol';
import { bytes, fill } from '../bytes.ts';
import { sha256 } from '../keys.ts';

/** One event of a firmware log, of the SHA-256 bank alone. */
export interface FirmwareEvent {
  readonly pcr: number;
  readonly type: TcgEventName | number;
  readonly data: Uint8Array;
  /** what was extended; the hash of the data where it is absent */
  readonly digest?: Uint8Array;
}

/** Unsigned little-endian integer. */
export function le(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);
}

export function typeOf({ type }: FirmwareEvent): number {
  return typeof type === 'number' ? type : TCG_EVENT_TYPES[type].code;
}

export function digestOf({ data, digest }: FirmwareEvent): Uint8Array {
  return digest ?? sha256(data);
}

/** A crypto-agile log (TCG PC Client Platform Firmware Profile 10.2.2, 10.4.5.1). */
export function firmwareLog(events: readonly FirmwareEvent[]): Uint8Array {
  const { algorithm, size } = HASHES.sha256;
  const specId = bytes(
    utf8('Spec ID Event03\0'),
    le(0, 4),
    bytes('00 02 69 02'),
    le(1, 4),
    le(algorithm, 2),
    le(size, 2),
    '00',
  );
  const header = bytes(le(0, 4), le(TCG_EVENT_TYPES.EV_NO_ACTION.code, 4), fill(20, 0), le(specId.length, 4), specId);
  return bytes(
    header,
    ...events.map((event) =>
      bytes(
        le(event.pcr, 4),
        le(typeOf(event), 4),
        le(1, 4),
        le(algorithm, 2),
        digestOf(event),
        le(event.data.length, 4),
        event.data,
      ),
    ),
  );
}

/** The 24 values that events lead to, by the definition of extend. */
export function firmwarePcrs(events: readonly FirmwareEvent[]): Uint8Array {
  const pcrs = resetPcrs();
  for (const event of events) {
    const at = event.pcr * 32;
    pcrs.set(sha256(bytes(pcrs.subarray(at, at + 32), digestOf(event))), at);
  }
  return pcrs;
}
