import type { DurableFiles } from './durable-files.ts';
import { fileNameParts } from './file-name.ts';

interface Content {
  /** longer than the file where appends are expected */
  bytes: Uint8Array;
  length: number;
}

/** Files of a simulated terminal: they survive its crashes, not the process. */
export class MemoryFiles implements DurableFiles {
  readonly #files = new Map<string, Content>();

  async read(name: string): Promise<Uint8Array | undefined> {
    const file = this.#find(name);
    return file?.bytes.slice(0, file.length);
  }

  async readRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const file = this.#find(name);
    if (file === undefined) return new Uint8Array();
    return file.bytes.slice(start, Math.min(file.length, start + length));
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    fileNameParts(name);
    this.#files.set(name, { bytes: bytes.slice(), length: bytes.length });
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.#find(name) ?? { bytes: new Uint8Array(), length: 0 };
    const length = file.length + bytes.length;
    if (length > file.bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * file.bytes.length));
      grown.set(file.bytes.subarray(0, file.length));
      file.bytes = grown;
    }
    file.bytes.set(bytes, file.length);
    file.length = length;
    this.#files.set(name, file);
  }

  async truncate(name: string, length: number): Promise<void> {
    const file = this.#find(name);
    if (file !== undefined && length < file.length) file.length = length;
  }

  async remove(name: string): Promise<void> {
    fileNameParts(name);
    this.#files.delete(name);
  }

  async list(directory: string): Promise<readonly string[]> {
    const names: string[] = [];
    for (const name of this.#files.keys()) {
      const parts = name.split('/');
      const [first = '', second] = parts;
      if (directory === '' ? second === undefined : first === directory && second !== undefined) {
        names.push(second ?? first);
      }
    }
    return names.sort();
  }

  /** What a thief of the disk would have: independent from now on. */
  copy(): MemoryFiles {
    const copy = new MemoryFiles();
    for (const [name, { bytes, length }] of this.#files)
      copy.#files.set(name, { bytes: bytes.slice(0, length), length });
    return copy;
  }

  #find(name: string): Content | undefined {
    fileNameParts(name);
    return this.#files.get(name);
  }
}
