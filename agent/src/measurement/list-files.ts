import { toHex } from '@mtm-attest/protocol';
import type { DurableFiles } from '../storage/durable-files.ts';
import type { MeasuredList } from './audited-set.ts';

const DIRECTORY = 'lists';

/**
 * The component lists that audits of this boot named, by digest. The verifier may ask for one whose evidence never arrived, after the
 * agent was restarted too.
 */
export class ListFiles {
  readonly #files: DurableFiles;
  #last = '';

  constructor(files: DurableFiles) {
    this.#files = files;
  }

  /** Durable before the audit event that names it. */
  async keep({ bytes, digest }: MeasuredList): Promise<void> {
    const name = nameOf(digest);
    if (name === this.#last) return;
    if ((await this.#files.readRange(name, 0, 1)).length === 0) await this.#files.replace(name, bytes);
    this.#last = name;
  }

  async read(digest: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#files.read(nameOf(digest));
  }

  /** A new boot names no list of an older one. */
  async clear(): Promise<void> {
    for (const name of await this.#files.list(DIRECTORY)) await this.#files.remove(`${DIRECTORY}/${name}`);
    this.#last = '';
  }
}

function nameOf(digest: Uint8Array): string {
  return `${DIRECTORY}/${toHex(digest)}`;
}
