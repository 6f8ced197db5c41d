import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../error.ts';
import { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';
import type { PlatformIdentity } from '../platform.ts';
import { type GenerationCounter, STATE_FILE } from './state-file.ts';

export interface DeviceKey {
  readonly key: Secret;
  /** `none`: the key lies beside the state that it protects */
  readonly protection: Extract<PlatformIdentity['protection'], 'device-key' | 'none'>;
}

/** Where a device key may come from. */
export interface DeviceKeySource {
  /** a file that is named; then it must be there */
  readonly file?: string | undefined;
  /** directory of service credentials, which may hold `mtm-device-key` */
  readonly credentials?: string | undefined;
}

const KEY_BYTES = 32;
/** Longest file that is read, in bytes: 64 digits and some white space. */
const MAX_FILE_BYTES = 128;
const FALLBACK = 'device.key';
const CREDENTIAL = 'mtm-device-key';
/** Permission bits of others, and of others and the group. */
const OTHERS = 0o007;
const GROUP_AND_OTHERS = 0o077;

/**
 * The key that encrypts the state: the file named, else the service credential, else a file beside the state.
 * @throws AgentError `device-key.unreadable`, `device-key.exposed`, `device-key.malformed`, `device-key.missing`
 */
export async function loadDeviceKey(
  files: DurableFiles,
  random: (length: number) => Uint8Array,
  { file, credentials }: DeviceKeySource,
): Promise<DeviceKey> {
  const given = file === undefined ? await credential(credentials) : await readKeyFile(file, GROUP_AND_OTHERS);
  if (given !== undefined) return { key: keyOf(given), protection: 'device-key' };
  if (file !== undefined) throw new AgentError('device-key.unreadable', file);
  const stored = await files.read(FALLBACK);
  if (stored !== undefined) return { key: keyOf(stored), protection: 'none' };
  if ((await files.readRange(STATE_FILE, 0, 1)).length > 0) throw new AgentError('device-key.missing');
  const fresh = random(KEY_BYTES);
  await files.replace(FALLBACK, fresh);
  return { key: Secret.taking(fresh), protection: 'none' };
}

/** A service manager grants access by an access control list, whose mask shows as permissions of the group. */
async function credential(directory: string | undefined): Promise<Uint8Array | undefined> {
  return directory === undefined ? undefined : readKeyFile(join(directory, CREDENTIAL), OTHERS);
}

/** @returns undefined where there is no such file; any other failure must not lead to a weaker key */
async function readKeyFile(path: string, forbidden: number): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (((await file.stat()).mode & forbidden) !== 0) throw new AgentError('device-key.exposed', path);
      const bytes = new Uint8Array(MAX_FILE_BYTES + 1);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new AgentError('device-key.unreadable', path, { cause });
  }
}

/** 32 bytes as they are, or 64 hexadecimal digits; the bytes are overwritten. */
function keyOf(bytes: Uint8Array): Secret {
  if (bytes.length === KEY_BYTES) return Secret.taking(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').trim();
  bytes.fill(0);
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new AgentError('device-key.malformed');
  return Secret.taking(Buffer.from(text, 'hex'));
}

/** The generation counter in a file of its own, outside the state directory. */
export function counterFile(files: DurableFiles, name: string): GenerationCounter {
  return {
    read: async () => {
      const bytes = await files.read(name);
      if (bytes === undefined) return undefined;
      const text = Buffer.from(bytes).toString('latin1').trim();
      if (!/^\d{1,15}$/.test(text)) throw new AgentError('state.tampered', 'counter file');
      return Number(text);
    },
    write: (generation) => files.replace(name, Buffer.from(`${generation}\n`, 'latin1')),
  };
}
