import {
  compareBytes,
  encodeManifest,
  type FirmwareReference,
  type Manifest,
  nobleCrypto,
  type PlatformReference,
  prefixDigest,
  resetPcrs,
  utf8,
} from '@mtm-attest/protocol';
import type { LogPoint } from '../../implementation/implementation.ts';
import { bytes, fill } from '../bytes.ts';
import { EcdsaKey, sha256 } from '../keys.ts';
import { audit, type Entry, listOf, MANIFEST } from './boot.ts';
import { digestOf, type FirmwareEvent, firmwareLog, firmwarePcrs, le, typeOf } from './firmware-log.ts';
import { imaList, imaPcr, type ListEntry } from './ima-list.ts';
import { AT_THE_GATE, acceptedAt, type Scene } from './scene.ts';

/** UEFI_VARIABLE_DATA: vendor, lengths, name, value (UEFI 2.10). */
export function bootOrder(value: Uint8Array): FirmwareEvent {
  const name = 'BootOrder';
  const wide = Array.from(name, (letter) => le(letter.charCodeAt(0), 2));
  const vendor = '61dfe48bca93d211aa0d00e098032b8c';
  const data = bytes(vendor, le(name.length, 8), le(value.length, 8), ...wide, value);
  return { pcr: 1, type: 'EV_EFI_VARIABLE_BOOT2', data };
}

/** UEFI_IMAGE_LOAD_EVENT without a path; what was extended is the hash of the image. */
export function bootLoader(image: string): FirmwareEvent {
  const data = bytes(fill(8, 0), le(4096, 8), fill(16, 0));
  return { pcr: 4, type: 'EV_EFI_BOOT_SERVICES_APPLICATION', data, digest: sha256(utf8(image)) };
}

export function separator(pcr: number): FirmwareEvent {
  return { pcr, type: 'EV_SEPARATOR', data: fill(4, 0) };
}

export const CRTM: FirmwareEvent = { pcr: 0, type: 'EV_S_CRTM_VERSION', data: utf8('firmware 1.2') };
export const LOADER: FirmwareEvent = bootLoader('boot loader of release 3');
/** What the firmware of the machine extends; the order of its boot entries may change. */
export const FIRMWARE: readonly FirmwareEvent[] = [
  CRTM,
  bootOrder(bytes('01000000')),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map(separator),
  LOADER,
];

export const SIGNER: EcdsaKey = new EcdsaKey('IMA signer');
export const STRANGER: EcdsaKey = new EcdsaKey('IMA stranger');

/** A file with a signature of version 2: type, version, hash, key id, length, signature in DER (Linux, security/integrity/integrity.h). */
export function signedFile(path: string, signer: EcdsaKey, keyId: Uint8Array = keyIdOf(signer)): ListEntry {
  const content = utf8(`content of ${path}`);
  const scalars = signer.sign(content);
  const parts = bytes(derInteger(scalars.subarray(0, 32)), derInteger(scalars.subarray(32)));
  const der = bytes(Uint8Array.of(0x30, parts.length), parts);
  return { path, digest: sha256(content), signature: bytes('030204', keyId, Uint8Array.of(0, der.length), der) };
}

/** Last four bytes of SHA-1 over the public key's bits. */
export function keyIdOf({ x, y }: EcdsaKey): Uint8Array {
  return nobleCrypto.sha1(bytes('04', x, y)).slice(16);
}

function derInteger(scalar: Uint8Array): Uint8Array {
  const short = scalar.subarray(scalar.findIndex((byte) => byte !== 0));
  const body = (short[0] ?? 0) >= 0x80 ? bytes('00', short) : short;
  return bytes(Uint8Array.of(2, body.length), body);
}

export function file(path: string, content = `content of ${path}`): ListEntry {
  return { path, digest: sha256(utf8(content)) };
}

/** SHA-256 over PCR 0 to 9 as the firmware leaves them. */
export function aggregate(firmware: readonly FirmwareEvent[]): ListEntry {
  return { path: 'boot_aggregate', digest: sha256(firmwarePcrs(firmware).subarray(0, 320)) };
}

export const INIT: ListEntry = file('/sbin/init');
export const DAEMON: ListEntry = file('/usr/bin/daemon');
/** What the kernel measures up to the gate. */
export const LIST: readonly ListEntry[] = [aggregate(FIRMWARE), INIT];

function listed(events: readonly FirmwareEvent[]): readonly FirmwareReference[] {
  const exact = events.map((event) => ({
    pcr: event.pcr,
    type: typeOf(event),
    digest: digestOf(event),
    required: event.type === 'EV_SEPARATOR' || event === CRTM,
    label: typeof event.type === 'string' ? event.type : 'an event',
  }));
  const any = (pcr: number, type: number): FirmwareReference => ({
    pcr,
    type,
    required: false,
    label: 'of any digest',
  });
  const all = [...exact, any(1, typeOf(bootOrder(fill(0, 0)))), any(4, typeOf(bootOrder(fill(0, 0)))), any(5, UNKNOWN)];
  return all.sort(
    (a, b) => a.pcr - b.pcr || a.type - b.type || compareBytes(a.digest ?? fill(0, 0), b.digest ?? fill(0, 0)),
  );
}

/** A type that the profile does not name. */
export const UNKNOWN = 0x7fffffff;

function platform(release: number): PlatformReference {
  const files = [file('/sbin/init'), ...(release === 3 ? [DAEMON] : [file('/usr/bin/daemon', 'daemon of release 4')])];
  return {
    firmware: listed([
      CRTM,
      ...[0, 1, 2, 3, 4, 5, 6, 7].map(separator),
      bootLoader(`boot loader of release ${release}`),
    ]),
    ima: {
      rule: 'per-bank',
      files: files.map(({ path, digest }) => ({ path, digests: [digest] })),
      keys: [SIGNER.spki],
      excludes: ['/var/tmp/'],
      violations: false,
    },
  };
}

const MACHINE_MANIFEST: Manifest = {
  ...MANIFEST,
  releases: MANIFEST.releases.map((one) => (one.release === 2 ? one : { ...one, platform: platform(one.release) })),
};

export const MACHINE_MANIFEST_BYTES: Uint8Array = encodeManifest(MACHINE_MANIFEST);

/** What the machine extended and what it sends; the second is made of the first unless told otherwise. */
export interface Machine {
  readonly firmware: readonly FirmwareEvent[];
  readonly list: readonly ListEntry[];
  readonly sentFirmware?: Uint8Array | undefined;
  readonly sentList?: Uint8Array | undefined;
}

/** Where our own log begins on this machine; PCR 10 is the kernel's. */
function base({ firmware, list }: Machine): LogPoint {
  const pcrs = firmware.length === 0 ? resetPcrs() : firmwarePcrs(firmware);
  pcrs.set(imaPcr(list), 320);
  return { count: 0, pcrs };
}

const ASKED = [{ bank: 'sha256' as const, pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] }];

export const HONEST: Machine = { firmware: FIRMWARE, list: LIST };

/** The machine at the gate. */
export function machineAtTheGate(machine: Machine, change: Partial<Scene> = {}): Scene {
  const firmware = 'sentFirmware' in machine ? machine.sentFirmware : firmwareLog(machine.firmware);
  const ima = 'sentList' in machine ? machine.sentList : imaList(machine.list);
  return {
    ...AT_THE_GATE,
    asked: ASKED,
    start: base(machine),
    platform: {
      asked: { firmware: true, ima: 0 },
      ...(firmware === undefined ? {} : { firmware }),
      ...(ima === undefined ? {} : { ima }),
    },
    ...change,
  };
}

const BEFORE: readonly Entry[] = [
  ...AT_THE_GATE.extended.slice(0, -1),
  audit(listOf(3), sha256(utf8('nonce of the gate'))),
];

/** The same machine in a runtime audit; the kernel measured these since, and these are sent; null for no list. @param seen entries seen at the gate */
export function machineAtRuntime(
  since: readonly ListEntry[],
  sent: readonly ListEntry[] | null = since,
  seen: number = LIST.length,
): Scene {
  const previous = { ...acceptedAt(BEFORE, 3, base(HONEST)), imaCount: LIST.length, imaSeen: seen };
  const { resetCount, restartCount, count, pcrs } = previous;
  const now = pcrs.slice();
  now.set(imaPcr(since, pcrs.subarray(320, 352)), 320);
  return {
    ...AT_THE_GATE,
    purpose: 'runtime',
    asked: ASKED,
    cursor: { resetCount, restartCount, count, prefix: prefixDigest(count, pcrs, sha256) },
    start: { count, pcrs: now },
    extended: [audit(listOf(3))],
    platform: { asked: { ima: LIST.length }, ...(sent === null ? {} : { ima: imaList(sent) }) },
    previous,
  };
}
