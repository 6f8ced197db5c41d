export type Phase = 'starting' | 'ready' | 'draining';

export interface Readiness {
  readonly ready: boolean;
  /** in words, for whoever asks why not */
  readonly reason: string;
}

/** Whether the daemon can serve. It is alive as long as it can answer at all. */
export class Health {
  #phase: Phase = 'starting';
  #storeFailing = false;

  started(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  draining(): void {
    this.#phase = 'draining';
  }

  /** A transaction was not taken; until the next one is, nothing can be recorded and so nothing answered. */
  storeFailed(): void {
    this.#storeFailing = true;
  }

  storeWorks(): void {
    this.#storeFailing = false;
  }

  get readiness(): Readiness {
    if (this.#phase !== 'ready') return { ready: false, reason: this.#phase };
    return this.#storeFailing ? { ready: false, reason: 'the store fails' } : { ready: true, reason: 'ready' };
  }
}
