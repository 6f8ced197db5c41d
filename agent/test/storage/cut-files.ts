import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DurableFiles } from '../../src/storage/durable-files.ts';

/** What the last write before a power cut leaves: nothing of itself, a part (a torn append, a temporary file), or all, unacknowledged. */
export const LEFTOVERS = ['nothing', 'part', 'all'] as const;
export type Leftover = (typeof LEFTOVERS)[number];

/** Thrown by the operation at which the power went, and by every one after it. */
export class PowerCut extends Error {}

/** So many writes happen; the next one is the last. Shared by all the files of one machine. */
export class Power {
  readonly leaves: Leftover;
  #left: number;
  #off = false;

  constructor(writes: number, leaves: Leftover) {
    this.#left = writes;
    this.leaves = leaves;
  }

  get off(): boolean {
    return this.#off;
  }

  demand(): void {
    if (this.#off) throw new PowerCut();
  }

  /** @returns whether this write is the last */
  spend(): boolean {
    this.demand();
    this.#left -= 1;
    this.#off = this.#left < 0;
    return this.#off;
  }
}

/** Files whose power is cut at a given write. */
export class CutFiles implements DurableFiles {
  readonly #files: DurableFiles;
  readonly #power: Power;
  readonly #root: string | undefined;

  /** @param root of files on disk, for temporary files that are left there */
  constructor(files: DurableFiles, power: Power, root?: string) {
    this.#files = files;
    this.#power = power;
    this.#root = root;
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#reading(() => this.#files.read(name));
  }

  readRange(name: string, start: number, length: number): Promise<Uint8Array> {
    return this.#reading(() => this.#files.readRange(name, start, length));
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#reading(() => this.#files.list(directory));
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    return this.#writing(
      () => this.#files.replace(name, bytes),
      async () => {
        if (this.#root === undefined || name.includes('/')) return;
        writeFileSync(join(this.#root, `${name}.0123456789ab.pending`), halfOf(bytes));
      },
    );
  }

  append(name: string, bytes: Uint8Array): Promise<void> {
    return this.#writing(
      () => this.#files.append(name, bytes),
      () => this.#files.append(name, halfOf(bytes)),
    );
  }

  truncate(name: string, length: number): Promise<void> {
    return this.#writing(() => this.#files.truncate(name, length));
  }

  remove(name: string): Promise<void> {
    return this.#writing(() => this.#files.remove(name));
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#power.demand();
    return read();
  }

  async #writing(write: () => Promise<void>, part?: () => Promise<void>): Promise<void> {
    if (!this.#power.spend()) return write();
    if (this.#power.leaves === 'all') await write();
    if (this.#power.leaves === 'part') await part?.();
    throw new PowerCut();
  }
}

function halfOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.ceil(bytes.length / 2));
}
