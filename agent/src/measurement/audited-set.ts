import { encodeComponentList } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { measureFile } from './file.ts';

/** Files open at the same time: enough to keep the disk busy, and far below what a process may open, however large the set is. */
const OPEN_AT_ONCE = 8;

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
    const list: { readonly name: string; readonly digest: Uint8Array }[] = [];
    for (let at = 0; at < names.length; at += OPEN_AT_ONCE) {
      const measured = names.slice(at, at + OPEN_AT_ONCE).map(async (name) => {
        return { name, digest: await measureFile(this.#paths.get(name) ?? '') };
      });
      list.push(...(await Promise.all(measured)));
    }
    const bytes = encodeComponentList(list);
    return { bytes, digest: nodeCrypto.sha256(bytes) };
  }
}
