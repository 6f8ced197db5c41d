import { chmod, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AgentError } from '../error.ts';

const PRIVATE = 0o700;
const OTHERS = 0o077;

/**
 * A directory that nobody else may enter: made with mode 0700 where it is missing, with every directory entry on the way durable. One that
 * others may enter is closed to them where it is empty or holds `owned`; any other is not ours to change.
 *
 * @param owned name of a file that shows the directory to be ours
 * @throws AgentError `state.exposed`
 */
export async function makePrivate(path: string, owned: string): Promise<void> {
  const directory = resolve(path);
  await makeDirectory(directory);
  if (((await stat(directory)).mode & OTHERS) === 0) return;
  const names = await readdir(directory);
  if (names.length > 0 && !names.includes(owned)) throw new AgentError('state.exposed', path);
  await chmod(directory, PRIVATE);
}

/** Makes a directory and those above it, and makes their entries durable. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: PRIVATE });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
