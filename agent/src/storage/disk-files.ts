import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DurableFiles } from './durable-files.ts';
import { fileNameParts, PENDING_SUFFIX } from './file-name.ts';

/** A directory on disk, 0700, its files 0600; one writer. What a crash leaves of a file being replaced is overwritten by the next attempt. */
export class DiskFiles implements DurableFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(this.#path(name)));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async readRange(name: string, start: number, length: number): Promise<Uint8Array> {
    let file: FileHandle;
    try {
      file = await open(this.#path(name), 'r');
    } catch (error) {
      if (isMissing(error)) return new Uint8Array();
      throw error;
    }
    try {
      const bytes = new Uint8Array(length);
      let read = 0;
      while (read < length) {
        const { bytesRead } = await file.read(bytes, read, length - read, start + read);
        if (bytesRead === 0) break;
        read += bytesRead;
      }
      return bytes.subarray(0, read);
    } finally {
      await file.close();
    }
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await this.#directoryOf(path);
    const pending = `${path}${PENDING_SUFFIX}`;
    await written(pending, 'w', bytes);
    await rename(pending, path);
    await syncDirectory(dirname(path));
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    const made = await this.#directoryOf(path);
    await written(path, 'a', bytes);
    if (made) await syncDirectory(dirname(path));
  }

  async truncate(name: string, length: number): Promise<void> {
    const file = await open(this.#path(name), 'r+');
    try {
      await file.truncate(length);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name);
    await rm(path, { force: true });
    await syncDirectory(dirname(path));
  }

  async list(directory: string): Promise<readonly string[]> {
    try {
      const names = await readdir(directory === '' ? this.#root : this.#path(directory));
      return names.filter((name) => !name.endsWith(PENDING_SUFFIX)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  #path(name: string): string {
    return join(this.#root, ...fileNameParts(name));
  }

  /** @returns whether something may be new in the directory, so that its entry must be synced */
  async #directoryOf(path: string): Promise<boolean> {
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(dirname(made));
    try {
      const file = await open(path, 'r');
      await file.close();
      return false;
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
  }
}

async function written(path: string, flags: string, bytes: Uint8Array): Promise<void> {
  const file: FileHandle = await open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
