import type { FastifyInstance } from 'fastify';
import type { Listener } from '../endpoint/listener.ts';
import type { LivenessWatch } from '../liveness/watch.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';

/** What of a daemon is open. */
export interface Parts {
  readonly store: Store;
  group?: GroupCommit;
  watch?: LivenessWatch;
  listener?: Listener;
  api?: FastifyInstance;
}

/**
 * Closes what is open, each part before those that it needs; the API after the terminals' listener, so that it answers while they drain.
 * One that cannot be closed keeps no other open.
 *
 * @throws what the first of these threw, once all were tried
 */
export async function closeParts({ store, group, watch, listener, api }: Parts): Promise<void> {
  const failures: unknown[] = [];
  for (const close of [
    () => listener?.close(),
    () => api?.close(),
    () => watch?.stop(),
    () => group?.idle(),
    () => store.close(),
  ]) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
