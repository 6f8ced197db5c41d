import { createHash } from 'node:crypto';
import { HASHES, TCG_EVENT_TYPES, type TcgEventName } from '@mtm-attest/protocol';

/** An event of a firmware log, as a machine extends and writes it. */
export interface FirmwareEvent {
  readonly pcr: number;
  readonly type: TcgEventName;
  readonly data: Buffer;
  /** what is hashed; the data where it is absent */
  readonly hashed?: Buffer;
}

/** An entry of an IMA list, template ima-ng. */
export interface ListEntry {
  readonly path: string;
  /** SHA-256 of the file */
  readonly digest: Buffer;
  readonly violation?: boolean;
}

const BANKS = ['sha1', 'sha256'] as const;

export function hash(bank: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]): Buffer {
  return createHash(bank).update(Buffer.concat(parts)).digest();
}

function le(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, Math.min(size, 6));
  return bytes;
}

export function typeOf({ type }: FirmwareEvent): number {
  return TCG_EVENT_TYPES[type].code;
}

export function eventDigest({ data, hashed }: FirmwareEvent, bank: 'sha1' | 'sha256' = 'sha256'): Buffer {
  return hash(bank, hashed ?? data);
}

/** A crypto-agile log of two banks (TCG PC Client Platform Firmware Profile 10.2.2, 10.4.5.1). */
export function firmwareLog(events: readonly FirmwareEvent[]): Buffer {
  const banks = BANKS.map((bank) => Buffer.concat([le(HASHES[bank].algorithm, 2), le(HASHES[bank].size, 2)]));
  const spec = Buffer.concat([Buffer.from('Spec ID Event03\0'), le(0, 4), Buffer.of(0, 2, 105, 2), le(2, 4), ...banks]);
  const specId = Buffer.concat([spec, le(0, 1)]);
  const header = Buffer.concat([le(0, 4), le(TCG_EVENT_TYPES.EV_NO_ACTION.code, 4), Buffer.alloc(20)]);
  const records = events.flatMap((event) => [
    le(event.pcr, 4),
    le(typeOf(event), 4),
    le(BANKS.length, 4),
    ...BANKS.flatMap((bank) => [le(HASHES[bank].algorithm, 2), eventDigest(event, bank)]),
    le(event.data.length, 4),
    event.data,
  ]);
  return Buffer.concat([header, le(specId.length, 4), specId, ...records]);
}

/** UEFI_VARIABLE_DATA of a global variable (UEFI 2.10). */
export function globalVariable(name: string, value: Buffer): Buffer {
  const vendor = Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex');
  return Buffer.concat([vendor, le(name.length, 8), le(value.length, 8), Buffer.from(name, 'utf16le'), value]);
}

function templateData({ path, digest }: ListEntry): Buffer {
  const fields = [Buffer.concat([Buffer.from('sha256:\0'), digest]), Buffer.from(`${path}\0`)];
  return Buffer.concat(fields.flatMap((field) => [le(field.length, 4), field]));
}

/** One entry of `binary_runtime_measurements` (Linux, security/integrity/ima/ima_fs.c). */
export function listBytes(entry: ListEntry): Buffer {
  const data = templateData(entry);
  const shown = entry.violation === true ? Buffer.alloc(20) : hash('sha1', data);
  const template = Buffer.from('ima-ng');
  return Buffer.concat([le(10, 4), shown, le(template.length, 4), template, le(data.length, 4), data]);
}

/** What the kernel extends into the SHA-256 bank. */
export function extendedDigest(entry: ListEntry): Uint8Array {
  return new Uint8Array(entry.violation === true ? Buffer.alloc(32, 0xff) : hash('sha256', templateData(entry)));
}
