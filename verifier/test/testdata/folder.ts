import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of real files; paths in its expected.json are relative to it. */
export class Folder {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(file: string): string {
    return join(this.#directory, file);
  }

  read(file: string): Buffer {
    return readFileSync(this.path(file));
  }
}
