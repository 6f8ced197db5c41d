import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../error.ts';
import { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';
import type { PlatformIdentity } from '../platform.ts';
import type { GenerationCounter } from './state-file.ts';

export interface DeviceKey {
  readonly key: Secret;
  /** `none`: the key lies beside the state that it protects */
  readonly protection: Extract<PlatformIdentity['protection'], 'device-key' | 'none'>;
}

const KEY_BYTES = 32;
const FALLBACK = 'device.key';
const CREDENTIAL = 'mtm-device-key';

/**
 * The key that encrypts the state: the file named, else the service credential `mtm-device-key`, else a file beside the state.
 * @throws AgentError `device-key.unreadable`, `device-key.exposed`, `device-key.malformed`
 */
export async function loadDeviceKey(
  files: DurableFiles,
  random: (length: number) => Uint8Array,
  path: string | undefined,
  credentials: string | undefined,
): Promise<DeviceKey> {
  const given = path ?? (credentials === undefined ? undefined : join(credentials, CREDENTIAL));
  if (given !== undefined && (path !== undefined || (await exists(given)))) {
    return { key: keyOf(await readPrivate(given)), protection: 'device-key' };
  }
  const stored = await files.read(FALLBACK);
  if (stored !== undefined) return { key: keyOf(stored), protection: 'none' };
  const fresh = random(KEY_BYTES);
  await files.replace(FALLBACK, fresh);
  return { key: new Secret(fresh), protection: 'none' };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readPrivate(path: string): Promise<Uint8Array> {
  try {
    if (((await stat(path)).mode & 0o077) !== 0) throw new AgentError('device-key.exposed', path);
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('device-key.unreadable', path, { cause });
  }
}

/** 32 bytes as they are, or 64 hexadecimal digits. */
function keyOf(bytes: Uint8Array): Secret {
  if (bytes.length === KEY_BYTES) return new Secret(bytes.slice());
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new AgentError('device-key.malformed');
  return new Secret(new Uint8Array(Buffer.from(text, 'hex')));
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
