/**
 * What the digest of an event says about its data.
 * - `data`: it is the hash of the data, so the data can be believed once that was recomputed.
 * - `variable`: likewise, over the whole UEFI_VARIABLE_DATA or over the value in it: firmware does either.
 * - `either`: some who log it hash the data, others something else that the data only describes; no anomaly where it differs.
 * - `text`: as `either`, or over the text alone
 * - `none`: it is the hash of something else (an image, a blob in memory), and the data is only a hint. The rule of every unknown type.
 */
export type TcgCoverage = 'data' | 'variable' | 'either' | 'text' | 'none';

export interface TcgEventType {
  readonly code: number;
  readonly coverage: TcgCoverage;
  /** section of the TCG PC Client Platform Firmware Profile, from 1.05 revision 23 on */
  readonly section: string;
}

const UEFI = 0x80000000;

function row(code: number, coverage: TcgCoverage, section: string): TcgEventType {
  return { code, coverage, section };
}

/**
 * Event types of the TCG PC Client Platform Firmware Profile (10.4.1, event types; the structures of their data are in 10.2), and what their
 * digest covers. A type is not covered by any digest: whoever can write the log can give an event another one (F-27).
 */
export const TCG_EVENT_TYPES = {
  EV_PREBOOT_CERT: row(0x00, 'none', '10.4.1'),
  EV_POST_CODE: row(0x01, 'none', '10.4.1'),
  EV_UNUSED: row(0x02, 'none', '10.4.1'),
  EV_NO_ACTION: row(0x03, 'none', '10.4.5'),
  EV_SEPARATOR: row(0x04, 'data', '10.4.1'),
  EV_ACTION: row(0x05, 'data', '10.4.3'),
  /** The data names what was hashed, or is what was hashed: boot loaders and Windows differ. */
  EV_EVENT_TAG: row(0x06, 'either', '10.4.1'),
  EV_S_CRTM_CONTENTS: row(0x07, 'none', '10.4.1'),
  EV_S_CRTM_VERSION: row(0x08, 'data', '10.4.1'),
  EV_CPU_MICROCODE: row(0x09, 'none', '10.4.1'),
  EV_PLATFORM_CONFIG_FLAGS: row(0x0a, 'none', '10.4.1'),
  EV_TABLE_OF_DEVICES: row(0x0b, 'none', '10.4.1'),
  EV_COMPACT_HASH: row(0x0c, 'none', '10.4.1'),
  /** GRUB hashes a command, with `grub_cmd: ` before it in the data, or a file that the data names; systemd's stub hashes the string. */
  EV_IPL: row(0x0d, 'text', '10.4.1'),
  EV_IPL_PARTITION_DATA: row(0x0e, 'none', '10.4.1'),
  EV_NONHOST_CODE: row(0x0f, 'none', '10.4.1'),
  EV_NONHOST_CONFIG: row(0x10, 'none', '10.4.1'),
  EV_NONHOST_INFO: row(0x11, 'either', '10.4.1'),
  EV_OMIT_BOOT_DEVICE_EVENTS: row(0x12, 'data', '10.4.1'),
  EV_POST_CODE2: row(0x13, 'none', '10.4.1'),
  EV_EFI_VARIABLE_DRIVER_CONFIG: row(UEFI + 0x01, 'data', '10.4.1'),
  EV_EFI_VARIABLE_BOOT: row(UEFI + 0x02, 'variable', '10.4.1'),
  EV_EFI_BOOT_SERVICES_APPLICATION: row(UEFI + 0x03, 'none', '10.4.1'),
  EV_EFI_BOOT_SERVICES_DRIVER: row(UEFI + 0x04, 'none', '10.4.1'),
  EV_EFI_RUNTIME_SERVICES_DRIVER: row(UEFI + 0x05, 'none', '10.4.1'),
  EV_EFI_GPT_EVENT: row(UEFI + 0x06, 'data', '10.4.1'),
  EV_EFI_ACTION: row(UEFI + 0x07, 'data', '10.4.4'),
  EV_EFI_PLATFORM_FIRMWARE_BLOB: row(UEFI + 0x08, 'none', '10.4.1'),
  EV_EFI_HANDOFF_TABLES: row(UEFI + 0x09, 'none', '10.4.1'),
  EV_EFI_PLATFORM_FIRMWARE_BLOB2: row(UEFI + 0x0a, 'none', '10.4.1'),
  EV_EFI_HANDOFF_TABLES2: row(UEFI + 0x0b, 'none', '10.4.1'),
  EV_EFI_VARIABLE_BOOT2: row(UEFI + 0x0c, 'data', '10.4.1'),
  EV_EFI_GPT_EVENT2: row(UEFI + 0x0d, 'data', '10.4.1'),
  EV_EFI_HCRTM_EVENT: row(UEFI + 0x10, 'none', '10.4.1'),
  EV_EFI_VARIABLE_AUTHORITY: row(UEFI + 0xe0, 'variable', '10.4.1'),
  EV_EFI_SPDM_FIRMWARE_BLOB: row(UEFI + 0xe1, 'either', '10.4.1'),
  EV_EFI_SPDM_FIRMWARE_CONFIG: row(UEFI + 0xe2, 'either', '10.4.1'),
  EV_EFI_SPDM_DEVICE_POLICY: row(UEFI + 0xe3, 'data', '10.4.1'),
  EV_EFI_SPDM_DEVICE_AUTHORITY: row(UEFI + 0xe4, 'data', '10.4.1'),
} as const satisfies Readonly<Record<string, TcgEventType>>;

export type TcgEventName = keyof typeof TCG_EVENT_TYPES;

const NAMES: ReadonlyMap<number, TcgEventName> = new Map(
  (Object.keys(TCG_EVENT_TYPES) as TcgEventName[]).map((name) => [TCG_EVENT_TYPES[name].code, name]),
);

/** undefined for a type that no specification we know of names */
export function tcgEventName(type: number): TcgEventName | undefined {
  return NAMES.get(type);
}

export function tcgCoverage(type: number): TcgCoverage {
  const name = NAMES.get(type);
  return name === undefined ? 'none' : TCG_EVENT_TYPES[name].coverage;
}
