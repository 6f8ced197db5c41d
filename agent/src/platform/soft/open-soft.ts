import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { DiskFiles } from '../../storage/disk-files.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';
import { counterFile, loadDeviceKey } from './device-key.ts';
import { SoftPlatform } from './soft-platform.ts';
import { StateFile } from './state-file.ts';

export interface SoftOnDisk {
  /** the TrE's own directory; made with mode 0700 where it is missing */
  readonly directory: string;
  /** file with the key that the state is encrypted under */
  readonly deviceKey?: string | undefined;
  /** directory of service credentials, `$CREDENTIALS_DIRECTORY` */
  readonly credentials?: string | undefined;
  /** file outside the directory that betrays an old copy of it */
  readonly counter?: string | undefined;
  /** in place of the directory itself: files that are held while they are written */
  readonly files?: DurableFiles;
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/**
 * Power on of a TrE whose state lies on disk.
 * @throws AgentError `state.*`, `device-key.*`
 */
export async function openSoftOnDisk(options: SoftOnDisk): Promise<SoftPlatform> {
  const { directory, counter } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const files = options.files ?? new DiskFiles(directory);
  const { key, protection } = await loadDeviceKey(files, random, options.deviceKey, options.credentials);
  const outside =
    counter === undefined ? undefined : counterFile(new DiskFiles(dirname(resolve(counter))), basename(counter));
  const state = new StateFile(files, key, random, outside);
  return SoftPlatform.start({ state, protection, now: () => performance.now(), random });
}
