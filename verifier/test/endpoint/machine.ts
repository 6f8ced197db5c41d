import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentOptions, platformLogFiles } from '@mtm-attest/agent';
import { compareBytes, type FirmwareReference, type ImaReference, type PlatformReference } from '@mtm-attest/protocol';
import {
  eventDigest,
  extendedDigest,
  type FirmwareEvent,
  firmwareLog,
  globalVariable,
  hash,
  type ListEntry,
  listBytes,
  typeOf,
} from '../support/machine-logs.ts';
import type { Device } from './device.ts';

export const LOADER: FirmwareEvent = {
  pcr: 4,
  type: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  data: Buffer.alloc(32),
  hashed: Buffer.from('boot loader'),
};
export const BOOT_KIT: FirmwareEvent = { ...LOADER, hashed: Buffer.from('boot kit') };

/** Whatever is in the boot order of a machine. */
export function bootOrder(...entries: readonly number[]): FirmwareEvent {
  return { pcr: 1, type: 'EV_EFI_VARIABLE_BOOT', data: globalVariable('BootOrder', Buffer.from(entries)) };
}

const CRTM: FirmwareEvent = { pcr: 0, type: 'EV_S_CRTM_VERSION', data: Buffer.from('1.2') };
const SEPARATORS = [0, 1, 2, 3, 4, 5, 6, 7].map(
  (pcr): FirmwareEvent => ({ pcr, type: 'EV_SEPARATOR', data: Buffer.alloc(4) }),
);

/** What the firmware of the machine measures. @param order of its boot entries */
export function firmwareWith(order: FirmwareEvent = bootOrder(1, 0)): readonly FirmwareEvent[] {
  return [CRTM, order, ...SEPARATORS, LOADER];
}

export const FIRMWARE: readonly FirmwareEvent[] = firmwareWith();

export function file(path: string): ListEntry {
  return { path, digest: hash('sha256', Buffer.from(path)) };
}

/** What the machine's maker signs: the events of FIRMWARE, whatever the boot order is, and these files. */
export function platformOf(files: readonly string[], ima: Partial<ImaReference> = {}): PlatformReference {
  const exact = [CRTM, ...SEPARATORS, LOADER].map(
    (event): FirmwareReference => ({
      pcr: event.pcr,
      type: typeOf(event),
      digest: new Uint8Array(eventDigest(event)),
      required: true,
      label: event.type,
    }),
  );
  const anyOrder: FirmwareReference = {
    pcr: 1,
    type: typeOf(bootOrder()),
    required: false,
    label: 'order of the boot entries',
  };
  const none = new Uint8Array();
  return {
    firmware: [...exact, anyOrder].sort(
      (a, b) => a.pcr - b.pcr || a.type - b.type || compareBytes(a.digest ?? none, b.digest ?? none),
    ),
    ima: {
      rule: 'per-bank',
      files: files.toSorted().map((path) => ({ path, digests: [new Uint8Array(file(path).digest)] })),
      keys: [],
      excludes: [],
      violations: false,
      ...ima,
    },
  };
}

/** The firmware and the kernel of a device: they extend its PCRs and write their logs. */
export class Machine {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-machine-'));
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  get firmwareLog(): string {
    return join(this.directory, 'firmware.bin');
  }

  get imaLog(): string {
    return join(this.directory, 'ima.bin');
  }

  /** Where the agent finds the logs; its memory of the list is that of one agent. */
  logs(): Pick<AgentOptions, 'platformLogs'> {
    return { platformLogs: platformLogFiles({ firmware: this.firmwareLog, ima: this.imaLog }) };
  }

  /** Power on: the firmware measures, the kernel begins its list, the agent boots. */
  async powerOn(
    firmware: readonly FirmwareEvent[] = FIRMWARE,
    options: Partial<AgentOptions> = this.logs(),
  ): Promise<void> {
    writeFileSync(this.firmwareLog, firmwareLog(firmware));
    writeFileSync(this.imaLog, '');
    await this.#device.powerOn(options, async (platform) => {
      for (const event of firmware) await platform.extend(event.pcr, new Uint8Array(eventDigest(event)));
      const digest = hash('sha256', (await platform.readPcrs()).subarray(0, 320));
      await this.measures({ path: 'boot_aggregate', digest });
    });
  }

  /** The kernel measures files. */
  async measures(...entries: readonly ListEntry[]): Promise<void> {
    for (const entry of entries) {
      this.lists(entry);
      await this.extends(entry);
    }
  }

  /** The list gets an entry that PCR 10 does not have yet. */
  lists(entry: ListEntry): void {
    appendFileSync(this.imaLog, listBytes(entry));
  }

  /** PCR 10 gets an entry that the list does not have. */
  async extends(entry: ListEntry): Promise<void> {
    await this.#device.platform.extend(10, extendedDigest(entry));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
