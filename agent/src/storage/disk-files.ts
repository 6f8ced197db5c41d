import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { DurableFiles } from './durable-files.ts';
import { fileNameParts, isPendingOf, PENDING_SUFFIX } from './file-name.ts';
import { makeDirectory, syncDirectory } from './private-directory.ts';

/** A directory on disk, made with mode 0700 where it is missing; its files have mode 0600. */
export class DiskFiles implements DurableFiles {
  readonly #root: string;
  /** directories known to be there */
  readonly #made = new Set<string>();
  /** appended files whose directory entry is known to be durable */
  readonly #entered = new Set<string>();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return unlessMissing(async () => new Uint8Array(await readFile(this.#path(name))));
  }

  async readRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const path = this.#path(name);
    const bytes = await unlessMissing(() => withFile(path, 'r', (file) => rangeOf(file, start, length)));
    return bytes ?? new Uint8Array();
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await this.#make(dirname(path));
    const pending = `${path}.${randomBytes(6).toString('hex')}${PENDING_SUFFIX}`;
    try {
      await write(pending, 'wx', bytes);
      await rename(pending, path);
    } catch (error) {
      await rm(pending, { force: true });
      throw error;
    }
    await syncDirectory(dirname(path));
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await this.#make(dirname(path));
    await write(path, 'a', bytes);
    if (this.#entered.has(path)) return;
    await syncDirectory(dirname(path));
    this.#entered.add(path);
  }

  async truncate(name: string, length: number): Promise<void> {
    const path = this.#path(name);
    await unlessMissing(() =>
      withFile(path, 'r+', async (file) => {
        if ((await file.stat()).size <= length) return;
        await file.truncate(length);
        await file.sync();
      }),
    );
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name);
    await rm(path, { force: true });
    this.#entered.delete(path);
    await unlessMissing(() => syncDirectory(dirname(path)));
  }

  async list(directory: string): Promise<readonly string[]> {
    const names = await this.#names(directory);
    return names.filter((name) => !name.endsWith(PENDING_SUFFIX)).sort();
  }

  /**
   * Removes what writes left behind that were cut short by a crash. Only for whoever alone writes here.
   * @param name of the only file to look for, in a directory that belongs to others too
   */
  async sweep(name?: string): Promise<void> {
    if (name !== undefined) return this.#sweepIn('', (found) => isPendingOf(found, name));
    const entries = (await unlessMissing(() => readdir(this.#root, { withFileTypes: true }))) ?? [];
    const directories = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    for (const directory of ['', ...directories]) await this.#sweepIn(directory, (found) => isPendingOf(found));
  }

  async #sweepIn(directory: string, isLeftOver: (name: string) => boolean): Promise<void> {
    for (const name of await this.#names(directory)) {
      if (isLeftOver(name)) await rm(join(this.#root, directory, name), { force: true });
    }
  }

  async #names(directory: string): Promise<string[]> {
    const path = directory === '' ? this.#root : this.#path(directory);
    const entries = await unlessMissing(() => readdir(path, { withFileTypes: true }));
    return (entries ?? []).filter((entry) => entry.isFile()).map((entry) => entry.name);
  }

  #path(name: string): string {
    return join(this.#root, ...fileNameParts(name));
  }

  async #make(directory: string): Promise<void> {
    if (this.#made.has(directory)) return;
    await makeDirectory(directory);
    this.#made.add(directory);
  }
}

async function rangeOf(file: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(length, Math.max(0, (await file.stat()).size - start)));
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await file.read(bytes, read, bytes.length - read, start + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

function write(path: string, flags: string, bytes: Uint8Array): Promise<void> {
  return withFile(path, flags, async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function unlessMissing<T>(use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
