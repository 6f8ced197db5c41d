import { type ComponentList, encodeComponentList } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { measureFile } from './file.ts';

/** A component list with its bytes and their digest. */
export interface MeasuredList {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes */
  readonly digest: Uint8Array;
}

/** The files that every challenge measures: those of the slot that booted, and what was started since. */
export class AuditedSet {
  readonly #paths = new Map<string, string>();

  /** @param path of the file that runs under this name */
  add(name: string, path: string): void {
    this.#paths.set(name, path);
  }

  /** Opens, reads and hashes every file anew. */
  async measure(): Promise<MeasuredList> {
    const names = [...this.#paths.keys()].sort((a, b) => (a < b ? -1 : 1));
    const list: ComponentList = await Promise.all(
      names.map(async (name) => ({ name, digest: await measureFile(this.#paths.get(name) ?? '') })),
    );
    const bytes = encodeComponentList(list);
    return { bytes, digest: nodeCrypto.sha256(bytes) };
  }
}
