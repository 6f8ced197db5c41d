import { createReadStream } from 'node:fs';
import { AgentError } from '../error.ts';
import { ImaListFile } from './ima-list-file.ts';
import type { PlatformLogs } from './platform-logs.ts';

/** Where Linux shows what the firmware of a machine with a TPM logged. */
export const KERNEL_FIRMWARE_LOG = '/sys/kernel/security/tpm0/binary_bios_measurements';
/** Where Linux shows its IMA list. */
export const KERNEL_IMA_LOG = '/sys/kernel/security/ima/binary_runtime_measurements';

/** Logs in files: those of the kernel, or copies. @param files an absent one is a log that the machine does not have */
export function platformLogFiles(files: {
  readonly firmware?: string | undefined;
  readonly ima?: string | undefined;
}): PlatformLogs {
  const { firmware, ima } = files;
  const list = ima === undefined ? undefined : new ImaListFile(ima);
  return {
    ...(firmware === undefined ? {} : { firmware: () => bytesOf(firmware) }),
    ...(list === undefined ? {} : { ima: (from) => list.entries(from) }),
  };
}

/** @throws AgentError `file.unreadable` */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path)) yield new Uint8Array(piece as Buffer);
  } catch (cause) {
    throw new AgentError('file.unreadable', path, { cause });
  }
}
