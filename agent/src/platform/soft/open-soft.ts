import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { AgentError } from '../../error.ts';
import { DiskFiles } from '../../storage/disk-files.ts';
import { makeDirectory, makePrivate } from '../../storage/private-directory.ts';
import { counterFile, loadDeviceKey } from './device-key.ts';
import { SoftPlatform } from './soft-platform.ts';
import { claimState, type StateClaim } from './state-claim.ts';
import { type GenerationCounter, STATE_FILE, StateFile } from './state-file.ts';

export interface SoftOnDisk {
  /** the TrE's own directory; made with mode 0700 where it is missing */
  readonly directory: string;
  /** file with the key that the state is encrypted under */
  readonly deviceKey?: string | undefined;
  /** directory of service credentials, `$CREDENTIALS_DIRECTORY` */
  readonly credentials?: string | undefined;
  /** file outside the directory that betrays an old copy of it */
  readonly counter?: string | undefined;
  /** further socket, outside the directory, for an agent under another user: mode 0660 */
  readonly socket?: string | undefined;
}

/** A TrE that is powered on, and its place on the directory. */
export interface OpenSoft {
  readonly claim: StateClaim;
  readonly platform: SoftPlatform;
  /** Orderly power off; the place is free again. */
  close(): Promise<void>;
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/**
 * Power on of a TrE whose state lies on disk, which no other process may use until it is closed or this one ends.
 * @throws AgentError `state.*`, `device-key.*`, `tre.*`
 */
export async function openSoftOnDisk(options: SoftOnDisk): Promise<OpenSoft> {
  await makePrivate(options.directory, STATE_FILE);
  const claim = await claimState(options.directory);
  try {
    if (options.socket !== undefined) await claim.listenAt(options.socket);
    const platform = await powerOn(options);
    const close = async (): Promise<void> => {
      await platform.close();
      claim.release();
    };
    return { claim, platform, close };
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function powerOn({ directory, deviceKey, credentials, counter }: SoftOnDisk): Promise<SoftPlatform> {
  const files = new DiskFiles(directory);
  await files.sweep();
  const outside = counter === undefined ? undefined : await counterOutside(directory, counter);
  const { key, protection } = await loadDeviceKey(files, random, { file: deviceKey, credentials });
  const state = new StateFile(files, key, random, outside);
  key.destroy();
  const beside = deviceKey !== undefined && (await isInside(directory, deviceKey));
  return SoftPlatform.start({
    state,
    protection: beside ? 'none' : protection,
    now: () => performance.now(),
    random,
  });
}

/** @throws AgentError `state.counter-inside` */
async function counterOutside(directory: string, path: string): Promise<GenerationCounter> {
  await makeDirectory(dirname(resolve(path)));
  if (await isInside(directory, path)) throw new AgentError('state.counter-inside', path);
  const files = new DiskFiles(dirname(path));
  await files.sweep(basename(path));
  return counterFile(files, basename(path));
}

/** Whether a file lies in the directory or below, whatever links lead there. */
async function isInside(directory: string, file: string): Promise<boolean> {
  const place = join(await realpath(dirname(resolve(file))), sep);
  return place.startsWith(join(await realpath(directory), sep));
}
