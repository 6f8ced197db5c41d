import { createHash } from 'node:crypto';
import { utf8 } from '../../src/bytes/text.ts';
import { TCG_EVENT_TYPES, type TcgEventName } from '../../src/tcg-log/event-type.ts';
import { HASHES, type HashName } from '../../src/tpm/constants.ts';

/** Unsigned little-endian integer of `size` bytes. */
export function le(value: number | bigint, size: number): Uint8Array {
  let rest = BigInt(value);
  return Uint8Array.from({ length: size }, () => {
    const byte = Number(rest & 0xffn);
    rest >>= 8n;
    return byte;
  });
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function wide(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'utf16le'));
}

/** By OpenSSL: not the implementation that noble replays with. */
function digestOf(bank: HashName, data: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash(bank).update(data).digest());
}

export function guid(text: string): Uint8Array {
  const [a = '', b = '', c = '', d = '', e = ''] = text.split('-');
  const number = (hex: string): number => Number.parseInt(hex, 16);
  return concat(le(number(a), 4), le(number(b), 2), le(number(c), 2), Uint8Array.from(Buffer.from(d + e, 'hex')));
}

export interface Event {
  readonly pcr: number;
  readonly type: TcgEventName | number;
  readonly data: Uint8Array;
  /** what is hashed; the data where it is absent */
  readonly hashed?: Uint8Array;
  /** by bank, instead of hashes */
  readonly digests?: Readonly<Partial<Record<HashName, Uint8Array>>>;
  /** banks of the record in their order; those of the log where it is absent */
  readonly banks?: readonly HashName[];
}

export function typeCode(type: Event['type']): number {
  return typeof type === 'number' ? type : TCG_EVENT_TYPES[type].code;
}

/** The digest that a record carries for a bank; zeros for EV_NO_ACTION. */
export function eventDigest(event: Event, bank: HashName): Uint8Array {
  const given = event.digests?.[bank];
  if (given !== undefined) return given;
  if (event.type === 'EV_NO_ACTION' && event.hashed === undefined) return new Uint8Array(HASHES[bank].size);
  return digestOf(bank, event.hashed ?? event.data);
}

/** TCG_PCR_EVENT */
export function sha1Record(event: Event): Uint8Array {
  const { pcr, type, data } = event;
  return concat(le(pcr, 4), le(typeCode(type), 4), eventDigest(event, 'sha1'), le(data.length, 4), data);
}

/** TCG_PCR_EVENT2 */
export function agileRecord(event: Event, banks: readonly HashName[]): Uint8Array {
  const { pcr, type, data } = event;
  const names = event.banks ?? banks;
  const digests = names.map((bank) => concat(le(HASHES[bank].algorithm, 2), eventDigest(event, bank)));
  return concat(le(pcr, 4), le(typeCode(type), 4), le(names.length, 4), ...digests, le(data.length, 4), data);
}

/** TCG_EfiSpecIdEvent and its older forms. */
export function specId(
  version: 0 | 2 | 3,
  banks: readonly HashName[] = [],
  vendor: Uint8Array = new Uint8Array(),
): Uint8Array {
  const algorithms = banks.map((bank) => concat(le(HASHES[bank].algorithm, 2), le(HASHES[bank].size, 2)));
  const [minor, major, errata, uintn] = version === 3 ? [0, 2, 105, 2] : [2, 1, 0, version];
  return concat(
    utf8(`Spec ID Event0${version}\0`),
    le(0, 4),
    Uint8Array.of(minor, major, errata, uintn),
    ...(version === 3 ? [le(banks.length, 4), ...algorithms] : []),
    Uint8Array.of(vendor.length),
    vendor,
  );
}

/** A crypto-agile header whose algorithms nobody knows: TPM_ALG_IDs from 0x7000 on, digests of `size` bytes. */
export function unknownHeader(count: number, size: number): Uint8Array {
  const empty = specId(3);
  const listed = Array.from({ length: count }, (_, i) => concat(le(0x7000 + i, 2), le(size, 2)));
  const data = concat(empty.subarray(0, 24), le(count, 4), ...listed, Uint8Array.of(0));
  return sha1Record({ pcr: 0, type: 'EV_NO_ACTION', data });
}

/** A header record with its Spec ID event. */
export function header(version: 0 | 2 | 3, banks: readonly HashName[] = [], vendor?: Uint8Array): Uint8Array {
  return sha1Record({ pcr: 0, type: 'EV_NO_ACTION', data: specId(version, banks, vendor) });
}

export function agileLog(banks: readonly HashName[], events: readonly Event[]): Uint8Array {
  return concat(header(3, banks), ...events.map((event) => agileRecord(event, banks)));
}

/** Several logs, the length before each. */
export function framed(...logs: readonly Uint8Array[]): Uint8Array {
  return concat(...logs.map((log) => concat(le(log.length, 4), log)));
}

export function separator(pcr: number, data: Uint8Array = new Uint8Array(4)): Event {
  return { pcr, type: 'EV_SEPARATOR', data };
}

export function locality(value: number): Event {
  return { pcr: 0, type: 'EV_NO_ACTION', data: concat(utf8('StartupLocality\0'), Uint8Array.of(value)) };
}

/** UEFI_VARIABLE_DATA */
export function variable(vendor: string, name: string, value: Uint8Array): Uint8Array {
  return concat(guid(vendor), le(name.length, 8), le(value.length, 8), wide(name), value);
}

export function action(pcr: number, text: string): Event {
  return { pcr, type: 'EV_EFI_ACTION', data: utf8(text) };
}

/** Values by the definition of extend alone; `start` where a PCR does not begin with zeros. */
export function extended(bank: HashName, digests: readonly Uint8Array[], start?: Uint8Array): Uint8Array {
  return digests.reduce(
    (value, digest) => digestOf(bank, concat(value, digest)),
    start ?? new Uint8Array(HASHES[bank].size),
  );
}
