import type { CelIndex } from './record.ts';

/** How records are numbered: each PCR and NV index by itself (version 1.1), or all of them together (older encoders). Told, never guessed. */
export type CelNumbering = 'per-index' | 'global';

/** Gives the numbers of records in their order. */
export class CelNumbers {
  readonly #rule: CelNumbering;
  readonly #next = new Map<number, number>();

  constructor(rule: CelNumbering) {
    this.#rule = rule;
  }

  /** The recnum of the next record of an index. */
  next(index: CelIndex): number {
    const key = this.#rule === 'global' ? 0 : index.type === 'pcr' ? index.pcr : index.nvIndex;
    const number = this.#next.get(key) ?? 0;
    this.#next.set(key, number + 1);
    return number;
  }
}
