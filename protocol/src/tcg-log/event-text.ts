import { ProtocolError } from '../error.ts';
import { devicePathText } from './device-path.ts';
import { EventData } from './event-data.ts';
import { type TcgEventName, tcgEventName } from './event-type.ts';
import { shownBytes, shownText, textOf, trailingText, wideText } from './shown-text.ts';
import { isSpecId } from './spec-id.ts';
import { parseUefiVariable } from './uefi-variable.ts';
import { variableText } from './variable-text.ts';

/** The data of an event in words. */
export interface TcgEventText {
  /** printable ASCII (F-95) */
  readonly text: string;
  /** false where the data does not have the form of its type: then the text shows bytes */
  readonly isWellFormed: boolean;
}

/** Longest text of one event, in characters: a list is cut after this. */
const MAX_TEXT = 4096;

type Describe = (data: EventData, bytes: Uint8Array, uintnBytes: 4 | 8) => string;

/**
 * Says what an event's data means. Never throws: data of another form than its type has is shown as hexadecimal.
 * What it says is true only as far as the digest covers the data (tcgCoverage).
 *
 * @param uintnBytes size of a UINTN on the machine that wrote the log, as its header says
 */
export function tcgEventText(type: number, data: Uint8Array, uintnBytes: 4 | 8 = 8): TcgEventText {
  const name = tcgEventName(type);
  const describe = (name === undefined ? undefined : DESCRIBE[name]) ?? anything;
  try {
    const text = describe(new EventData(data), data, uintnBytes);
    return { text: text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}...`, isWellFormed: true };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { text: shownBytes(data), isWellFormed: false };
  }
}

const anything: Describe = (_data, bytes) => {
  const text = textOf(bytes);
  return text === undefined ? shownBytes(bytes) : shownText(text);
};

const variable: Describe = (_data, bytes) => variableText(parseUefiVariable(bytes), false);

const authority: Describe = (_data, bytes) => variableText(parseUefiVariable(bytes), true);

/** UEFI_IMAGE_LOAD_EVENT (10.2.3). shim and GRUB have logged a few bytes behind the path. */
const image: Describe = (data, _bytes, uintnBytes) => {
  const uintn = (): bigint => (uintnBytes === 4 ? BigInt(data.u32()) : data.u64());
  data.u64();
  const imageBytes = uintn();
  uintn();
  const path = devicePathText(data.bytes(Number(uintn())));
  return `${path === '' ? 'no path' : path}, ${imageBytes} bytes${trailingText(data.rest())}`;
};

/** UEFI_PLATFORM_FIRMWARE_BLOB */
const blob: Describe = (data) => {
  const [base, length] = [data.u64(), data.u64()];
  data.end();
  return `${length} bytes at 0x${base.toString(16)}`;
};

const blobOrText: Describe = (data, bytes, uintnBytes) =>
  data.remaining === 16 && textOf(bytes) === undefined
    ? blob(data, bytes, uintnBytes)
    : anything(data, bytes, uintnBytes);

/** UEFI_PLATFORM_FIRMWARE_BLOB2 */
const blob2: Describe = (data, bytes, uintnBytes) => {
  const description = data.bytes(data.u8());
  return `${anything(data, description, uintnBytes)}, ${blob(data, bytes, uintnBytes)}`;
};

/** UEFI_HANDOFF_TABLE_POINTERS */
const tables: Describe = (data, _bytes, uintnBytes) => {
  const uintn = (): bigint => (uintnBytes === 4 ? BigInt(data.u32()) : data.u64());
  const count = Number(uintn());
  const guids: string[] = [];
  for (let i = 0; i < count; i++) {
    guids.push(data.guid());
    uintn();
  }
  data.end();
  return shownText(`tables ${guids.join(', ')}`);
};

const tables2: Describe = (data, _bytes, uintnBytes) => {
  const description = data.bytes(data.u8());
  return `${anything(data, description, uintnBytes)}, ${tables(data, description, uintnBytes)}`;
};

const GPT_HEADER_BYTES = 92;
const GPT_SIGNATURE = 'EFI PART';

/** UEFI_GPT_DATA: EFI_PARTITION_TABLE_HEADER, u64 number of entries, EFI_PARTITION_ENTRY (UEFI 2.10, 5.3). */
const gpt: Describe = (data) => {
  const header = new EventData(data.bytes(GPT_HEADER_BYTES));
  if (String.fromCharCode(...header.bytes(8)) !== GPT_SIGNATURE) data.refuse();
  header.bytes(48);
  const disk = header.guid();
  header.bytes(12);
  const entryBytes = header.u32();
  const count = data.size64();
  const partitions: string[] = [];
  for (let i = 0; i < count; i++) {
    const entry = new EventData(data.bytes(entryBytes));
    entry.bytes(16);
    const id = entry.guid();
    const [first, last] = [entry.u64(), entry.u64()];
    entry.u64();
    const name = wideText(entry.rest()).replace(/\0.*$/s, '');
    partitions.push(`${id} "${name}" ${first}-${last}`);
  }
  data.end();
  return shownText(`disk ${disk}: ${partitions.join(', ')}`);
};

const separator: Describe = (data, bytes) => {
  if (data.remaining !== 4) return anything(data, bytes, 8);
  const value = data.u32();
  return value === 0 || value === 0xffffffff ? 'end of pre-boot' : value === 1 ? 'error' : anything(data, bytes, 8);
};

/** Ids of TCG_PCClientTaggedEvent that boot loaders use. */
const TAGS: Readonly<Record<number, string>> = {
  2403017452: 'initrd',
  2403017453: 'load options',
  4122761258: 'loader.conf',
  1816590161: 'device tree addon',
  1239416335: 'initrd addon',
  3670052378: 'microcode addon',
  330225371: 'profile of the kernel image',
};

const tagged: Describe = (data) => {
  const parts: string[] = [];
  while (data.remaining > 0) {
    const [id, length] = [data.u32(), data.u32()];
    const body = data.bytes(length);
    parts.push(`${TAGS[id] ?? `tag 0x${id.toString(16)}`}: ${anything(data, body, 8)}`);
  }
  return shownText(parts.join(', '));
};

const noAction: Describe = (data, bytes, uintnBytes) => {
  const isLocality = textOf(bytes.subarray(0, 16)) === 'StartupLocality' && bytes.length === 17;
  if (isLocality) return `StartupLocality ${bytes[16]}`;
  if (isSpecId(bytes)) return shownText(String.fromCharCode(...bytes.subarray(0, 15)));
  return anything(data, bytes, uintnBytes);
};

/** A version is text, or the GUID of one. */
const version: Describe = (data, bytes, uintnBytes) =>
  data.remaining === 16 && textOf(bytes) === undefined ? data.guid() : anything(data, bytes, uintnBytes);

const DESCRIBE: Readonly<Partial<Record<TcgEventName, Describe>>> = {
  EV_NO_ACTION: noAction,
  EV_SEPARATOR: separator,
  EV_EVENT_TAG: tagged,
  EV_POST_CODE: blobOrText,
  EV_POST_CODE2: blob2,
  EV_S_CRTM_CONTENTS: blobOrText,
  EV_S_CRTM_VERSION: version,
  EV_EFI_VARIABLE_DRIVER_CONFIG: variable,
  EV_EFI_VARIABLE_BOOT: variable,
  EV_EFI_VARIABLE_BOOT2: variable,
  EV_EFI_VARIABLE_AUTHORITY: authority,
  EV_EFI_BOOT_SERVICES_APPLICATION: image,
  EV_EFI_BOOT_SERVICES_DRIVER: image,
  EV_EFI_RUNTIME_SERVICES_DRIVER: image,
  EV_EFI_GPT_EVENT: gpt,
  EV_EFI_GPT_EVENT2: gpt,
  EV_EFI_PLATFORM_FIRMWARE_BLOB: blob,
  EV_EFI_PLATFORM_FIRMWARE_BLOB2: blob2,
  EV_EFI_HANDOFF_TABLES: tables,
  EV_EFI_HANDOFF_TABLES2: tables2,
};
