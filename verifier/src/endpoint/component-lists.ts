import type { ComponentList } from '@mtm-attest/protocol';
import type { ListCache } from './services.ts';

/** Decoded component lists that matched their Reference Values; the one used longest ago gives way. */
export class ComponentLists implements ListCache {
  readonly #most: number;
  /** in order of use */
  readonly #lists = new Map<string, ComponentList>();

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
    this.#lists.delete(digest);
    this.#lists.set(digest, list);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > this.#most && oldest !== undefined) this.#lists.delete(oldest);
  }
}
