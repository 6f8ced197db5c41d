import type { ResultChange } from '../endpoint/services.ts';
import { VerifierError } from '../error.ts';
import { holdsLeaf, type LedgerLeaf, LedgerWriter } from '../ledger/append.ts';
import { leafHash } from '../ledger/tree.ts';
import { storeFault } from './fault.ts';
import type { Database } from './open.ts';
import { referenceRevision } from './references.ts';
import { ResultStatements } from './results.ts';
import { sessionOf } from './terminals.ts';

/** A settled result with the data of its ledger leaf. */
export interface ResultItem extends ResultChange {
  /** what the leaf hash is taken over */
  readonly body: Uint8Array;
}

export interface Committed {
  readonly kind: 'committed';
  readonly ledgerIndex: number;
  /** 32 bytes */
  readonly leafHash: Uint8Array;
}

/** What a result came to; only the first was recorded. */
export type ResultOutcome = Committed | { readonly kind: 'conflict' } | { readonly kind: 'session-gone' };

/** Hears of every transaction. */
export interface GroupObserver {
  /** @param durationMs from the first statement to the end of the commit */
  committed(entries: number, durationMs: number): void;
  failed(entries: number, error: unknown): void;
}

/** Rows taken into one transaction at most. */
export const MAX_GROUP = 256;

const MAX_ATTEMPTS = 5;

export interface GroupOptions {
  readonly observer?: GroupObserver;
  /**
   * how long the first of a group waits for others, milliseconds: a transaction costs more than a row in it. 0 takes what comes in one turn
   * of the event loop.
   */
  readonly gatherMs?: number;
}

/** What the entries of one transaction share. */
interface Group {
  readonly leaves: LedgerLeaf[];
  /** of the operator's Reference Values, once somebody asked */
  revision?: number;
}

/** One caller's part of a group. What `run` returns is called after the commit, and only then. */
interface Entry {
  readonly terminal: string;
  run(tx: Database, group: Group): Promise<() => void>;
  fail(error: unknown): void;
}

/**
 * Makes the changes of many terminals durable in one transaction and answers each caller only after its commit: record, then answer.
 * Callers that come within the time to gather, and those that come while a group is written, share a transaction; rows are written in the order
 * of terminal ids.
 */
export class GroupCommit {
  readonly #db: Database;
  readonly #operator: string;
  readonly #results: ResultStatements;
  readonly #ledger: LedgerWriter;
  readonly #observer: GroupObserver | undefined;
  readonly #gatherMs: number;
  #queue: Entry[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #busy = false;
  #idle: (() => void)[] = [];

  constructor(db: Database, operator: string, { observer, gatherMs = 0 }: GroupOptions = {}) {
    this.#db = db;
    this.#operator = operator;
    this.#results = new ResultStatements(db, operator);
    this.#ledger = new LedgerWriter(db, operator);
    this.#observer = observer;
    this.#gatherMs = gatherMs;
  }

  /**
   * Records a result with its ledger leaf, if the row still has the session and the version that were appraised, and no newer Reference
   * Values were stored since, by whatever process.
   * @throws VerifierError `store.failed`: nothing was recorded; `store.uncertain`: the store could not even say whether it was
   */
  commit(item: ResultItem): Promise<ResultOutcome> {
    const hash = leafHash(item.body);
    const { terminal, session } = item.record;
    return this.#enqueue<ResultOutcome>(terminal, async (tx, shared) => {
      const { leaves } = shared;
      shared.revision ??= await referenceRevision(tx, this.#operator);
      if (shared.revision > item.referenceRevision) return { kind: 'conflict' };
      if (!(await this.#results.update(tx, item))) {
        const present = await sessionOf(tx, this.#operator, terminal);
        return { kind: present === session ? 'conflict' : 'session-gone' };
      }
      const ledgerIndex = (await this.#ledger.next(tx)) + leaves.length;
      leaves.push({ ledgerIndex, leafHash: hash, item });
      return { kind: 'committed', ledgerIndex, leafHash: hash };
    });
  }

  /**
   * Any other short change, grouped in the same way. It may run more than once, each time on a transaction of its own.
   * @param terminal decides the place in the group; empty where no one terminal is meant
   * @throws VerifierError `store.failed`: nothing was recorded; `store.uncertain`: the store could not even say whether it was
   */
  change<T>(terminal: string, work: (tx: Database) => Promise<T>): Promise<T> {
    return this.#enqueue(terminal, work);
  }

  /** Resolves once everything handed in so far has been answered. */
  async idle(): Promise<void> {
    this.#gathered();
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #enqueue<T>(terminal: string, work: (tx: Database, group: Group) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        terminal,
        fail: reject,
        run: async (tx, group) => {
          const outcome = await work(tx, group);
          return () => {
            resolve(outcome);
          };
        },
      });
      this.#begin();
    });
  }

  #begin(): void {
    if (!this.#busy) {
      this.#busy = true;
      if (this.#gatherMs === 0) this.#soon();
      else this.#gathering = setTimeout(() => this.#gathered(), this.#gatherMs);
    } else if (this.#queue.length >= MAX_GROUP) this.#gathered();
  }

  /** A group that waits for others waits no longer. */
  #gathered(): void {
    if (this.#gathering === undefined) return;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#soon();
  }

  /** After the turn's other callbacks, so that all frames read in it come into one group. */
  #soon(): void {
    setImmediate(() => {
      void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    const group = this.#queue.splice(0, MAX_GROUP).sort(byTerminal);
    await this.#write(group);
    if (this.#queue.length > 0) {
      this.#soon();
      return;
    }
    this.#busy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** One entry that the store refuses must not take its neighbours with it: a group that failed is written again one by one. */
  async #write(group: readonly Entry[]): Promise<void> {
    let error: unknown;
    const began = performance.now();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        await this.#transaction(group);
        this.#observer?.committed(group.length, performance.now() - began);
        return;
      } catch (cause) {
        error = cause;
        this.#ledger.forget();
        if (storeFault(cause) === 'other') break;
      }
    }
    this.#observer?.failed(group.length, error);
    if (group.length > 1 && storeFault(error) !== 'retry' && !isUncertain(error)) {
      for (const entry of group) await this.#write([entry]);
      return;
    }
    const failure =
      error instanceof VerifierError ? error : new VerifierError('store.failed', undefined, { cause: error });
    for (const entry of group) entry.fail(failure);
  }

  async #transaction(group: readonly Entry[]): Promise<void> {
    const shared: Group = { leaves: [] };
    const { leaves } = shared;
    const answers: (() => void)[] = [];
    try {
      await this.#db.transaction().execute(async (tx) => {
        for (const entry of group) answers.push(await entry.run(tx, shared));
        await this.#results.insert(tx, leaves);
        await this.#ledger.append(tx, leaves);
      });
    } catch (cause) {
      if (answers.length < group.length || !(await this.#tookEffect(leaves, cause))) throw cause;
      this.#ledger.forget();
    }
    this.#ledger.appended(leaves.length);
    for (const answer of answers) answer();
  }

  /**
   * An error at COMMIT does not say whether it took effect, and evidence must not be settled a second time, on the row that it made itself.
   * The last leaf tells. Where a group has none, its changes are those of `change`, which may run again.
   */
  async #tookEffect(leaves: readonly LedgerLeaf[], cause: unknown): Promise<boolean> {
    const last = leaves.at(-1);
    if (last === undefined) return false;
    try {
      return await holdsLeaf(this.#db, this.#operator, last);
    } catch {
      throw new VerifierError('store.uncertain', undefined, { cause });
    }
  }
}

function isUncertain(error: unknown): boolean {
  return error instanceof VerifierError && error.code === 'store.uncertain';
}

function byTerminal(a: Entry, b: Entry): number {
  return a.terminal < b.terminal ? -1 : a.terminal > b.terminal ? 1 : 0;
}
