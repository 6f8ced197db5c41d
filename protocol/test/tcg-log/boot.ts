import { utf8 } from '../../src/bytes/text.ts';
import { UEFI_VENDOR } from '../../src/tcg-log/uefi-variable.ts';
import { action, concat, type Event, guid, le, separator, variable, wide } from './log-builder.ts';

export const FILE_NODE = (path: string): Uint8Array => {
  const body = wide(`${path}\0`);
  return concat(Uint8Array.of(4, 4), le(4 + body.length, 2), body);
};
export const END_NODE = Uint8Array.of(0x7f, 0xff, 4, 0);
export const DISK = '6b0e44d5-ce52-4756-8fbc-463433257c5b';

export const HARD_DRIVE_NODE = concat(
  Uint8Array.of(4, 1, 42, 0),
  le(2, 4),
  le(0x1000, 8),
  le(0x3d0800, 8),
  guid(DISK),
  Uint8Array.of(2, 2),
);

/** UEFI_IMAGE_LOAD_EVENT */
export function imageLoad(path: Uint8Array, trailing: Uint8Array = new Uint8Array()): Uint8Array {
  return concat(le(0x1000, 8), le(139_264, 8), le(0, 8), le(path.length, 8), path, trailing);
}

/** EFI_SIGNATURE_LIST of SHA-256 digests */
export function hashList(count: number): Uint8Array {
  const entries = Array.from({ length: count }, (_, i) => concat(guid(DISK), new Uint8Array(32).fill(i)));
  const type = guid('c1c41626-504c-4092-aca9-41f936934328');
  return concat(type, le(28 + 48 * count, 4), le(0, 4), le(48, 4), ...entries);
}

export function loadOption(description: string, path: Uint8Array, more: Uint8Array = new Uint8Array()): Uint8Array {
  return concat(le(1, 4), le(path.length, 2), wide(`${description}\0`), path, more);
}

/** UEFI_GPT_DATA with one partition */
export function gpt(): Uint8Array {
  const head = concat(utf8('EFI PART'), new Uint8Array(48), guid(DISK), le(2, 8), le(128, 4), le(128, 4), le(0, 4));
  const name = new Uint8Array(72);
  name.set(wide('EFI System Partition'));
  const entry = concat(guid(DISK), guid(DISK), le(2048, 8), le(4095, 8), le(0, 8), name);
  return concat(head, le(1, 8), entry);
}

function secureBoot(name: 'SecureBoot' | 'PK' | 'KEK' | 'db' | 'dbx', value: Uint8Array): Event {
  const vendor = name === 'db' || name === 'dbx' ? UEFI_VENDOR.security : UEFI_VENDOR.global;
  return { pcr: 7, type: 'EV_EFI_VARIABLE_DRIVER_CONFIG', data: variable(vendor, name, value) };
}

export const SECURE_BOOT: readonly Event[] = [
  secureBoot('SecureBoot', Uint8Array.of(1)),
  secureBoot('PK', hashList(1)),
  secureBoot('KEK', hashList(2)),
  secureBoot('db', hashList(3)),
  secureBoot('dbx', new Uint8Array()),
];

const PATH = concat(HARD_DRIVE_NODE, FILE_NODE('\\EFI\\debian\\shimx64.efi'), END_NODE);

/** A boot from firmware to the operating system, with nothing odd about it. */
export const BOOT: readonly Event[] = [
  { pcr: 0, type: 'EV_S_CRTM_VERSION', data: wide('1.2\0') },
  {
    pcr: 0,
    type: 'EV_EFI_PLATFORM_FIRMWARE_BLOB',
    data: concat(le(0x820000, 8), le(917_504, 8)),
    hashed: utf8('firmware'),
  },
  ...SECURE_BOOT,
  separator(7),
  {
    pcr: 1,
    type: 'EV_EFI_VARIABLE_BOOT',
    data: variable(UEFI_VENDOR.global, 'BootOrder', Uint8Array.of(1, 0, 0, 0)),
    hashed: Uint8Array.of(1, 0, 0, 0),
  },
  {
    pcr: 1,
    type: 'EV_EFI_VARIABLE_BOOT2',
    data: variable(UEFI_VENDOR.global, 'Boot0001', loadOption('debian', PATH)),
  },
  action(4, 'Calling EFI Application from Boot Option'),
  ...[0, 1, 2, 3, 4, 5, 6].map((pcr) => separator(pcr)),
  { pcr: 5, type: 'EV_EFI_GPT_EVENT', data: gpt() },
  { pcr: 4, type: 'EV_EFI_BOOT_SERVICES_APPLICATION', data: imageLoad(PATH), hashed: utf8('shim') },
  { pcr: 14, type: 'EV_IPL', data: utf8('MokList\0'), hashed: utf8('keys') },
  {
    pcr: 7,
    type: 'EV_EFI_VARIABLE_AUTHORITY',
    data: variable(UEFI_VENDOR.shim, 'SbatLevel', utf8('sbat,1,2021030218\n')),
  },
  { pcr: 8, type: 'EV_IPL', data: utf8('grub_cmd: set timeout=5\0'), hashed: utf8('set timeout=5') },
  action(5, 'Exit Boot Services Invocation'),
  action(5, 'Exit Boot Services Returned with Success'),
];
