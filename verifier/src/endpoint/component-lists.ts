import type { ComponentList } from '@mtm-attest/protocol';
import type { ListCache } from './services.ts';

/** Decoded component lists that matched their Reference Values, so many components of them; those used longest ago give way. */
export class ComponentLists implements ListCache {
  readonly #most: number;
  /** in order of use */
  readonly #lists = new Map<string, ComponentList>();
  #components = 0;

  /** @param most components of all lists together; the list used last stays, whatever its size */
  constructor(most: number) {
    this.#most = most;
  }

  get(digest: string): ComponentList | undefined {
    const list = this.#lists.get(digest);
    if (list !== undefined) {
      this.#lists.delete(digest);
      this.#lists.set(digest, list);
    }
    return list;
  }

  set(digest: string, list: ComponentList): void {
    this.#remove(digest);
    this.#lists.set(digest, list);
    this.#components += list.length;
    for (const oldest of this.#lists.keys()) {
      if (this.#components <= this.#most || this.#lists.size === 1) break;
      this.#remove(oldest);
    }
  }

  #remove(digest: string): void {
    this.#components -= this.#lists.get(digest)?.length ?? 0;
    this.#lists.delete(digest);
  }
}
