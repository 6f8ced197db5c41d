import { createHash } from 'node:crypto';
import { HASHES, type HashName, TCG_EVENT_TYPES, type TcgEventName } from '@mtm-attest/protocol';

export type FirmwareEvent = readonly [pcr: number, type: TcgEventName, data: string | Buffer, hashed?: string];

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u16(...values: readonly number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value & 0xff, value >> 8]));
}

function digestOf(bank: HashName, data: string | Buffer): Buffer {
  return createHash(bank).update(data).digest();
}

function sized(data: string | Buffer): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(data)), Buffer.from(data)]);
}

/** A crypto-agile log: a header and these events. */
export function firmwareLog(banks: readonly HashName[], events: readonly FirmwareEvent[]): Uint8Array {
  const listed = banks.map((bank) => u16(HASHES[bank].algorithm, HASHES[bank].size));
  const specId = Buffer.concat([
    Buffer.from('Spec ID Event03\0'),
    u32(0),
    Buffer.of(0, 2, 0, 2),
    u32(banks.length),
    ...listed,
    Buffer.of(0),
  ]);
  const records = events.map(([pcr, type, data, hashed]) => {
    const digests = banks.map((bank) => {
      const digest = type === 'EV_NO_ACTION' ? Buffer.alloc(HASHES[bank].size) : digestOf(bank, hashed ?? data);
      return Buffer.concat([u16(HASHES[bank].algorithm), digest]);
    });
    return Buffer.concat([u32(pcr), u32(TCG_EVENT_TYPES[type].code), u32(banks.length), ...digests, sized(data)]);
  });
  return new Uint8Array(Buffer.concat([u32(0), u32(3), Buffer.alloc(20), sized(specId), ...records]));
}

/** The value of a PCR that began with zeros. */
export function firmwarePcr(bank: HashName, events: readonly FirmwareEvent[], pcr: number): Uint8Array {
  const own = events.filter(([index, type]) => index === pcr && type !== 'EV_NO_ACTION');
  const value = own.reduce<Buffer>(
    (before, [, , data, hashed]) => digestOf(bank, Buffer.concat([before, digestOf(bank, hashed ?? data)])),
    Buffer.alloc(HASHES[bank].size),
  );
  return new Uint8Array(value);
}

/** With its length before it, as where several logs stand in one file. */
export function framed(log: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([u32(log.length), log]));
}

const SEPARATOR = Buffer.alloc(4);

/** A boot with nothing odd about it. */
export const FIRMWARE: readonly FirmwareEvent[] = [
  [0, 'EV_POST_CODE', 'ACPI DATA', 'tables'],
  [4, 'EV_EFI_ACTION', 'Calling EFI Application from Boot Option'],
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((pcr): FirmwareEvent => [pcr, 'EV_SEPARATOR', SEPARATOR]),
  [4, 'EV_IPL', 'grub_cmd: boot \u202e', 'boot \u202e'],
  [4, 'EV_IPL', '\u001b[2J'],
  [5, 'EV_EFI_ACTION', 'Exit Boot Services Invocation'],
];
