import { VerifierError } from '../error.ts';
import type { GroupObserver } from '../store/group-commit.ts';
import type { Health } from './health.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/**
 * What transactions say of the daemon: one that is taken shows that the store works, one that the store fails shows that nothing can be
 * recorded. A change that its own rule refuses, such as a manifest below the highest seen, is its sender's affair and says neither.
 */
export function storeObserver(health: Health, metrics: Metrics, log: Log): GroupObserver {
  return {
    committed: (entries, durationMs) => {
      health.storeWorks();
      metrics.committed(entries, durationMs);
    },
    failed: (entries, error) => {
      if (isRefused(error)) return;
      health.storeFailed();
      metrics.failed();
      log.error({ entries, reason: String(error) }, 'the store did not take a transaction');
    },
  };
}

function isRefused(error: unknown): boolean {
  return error instanceof VerifierError && !error.code.startsWith('store.');
}
