import type { WallClock } from '../daemon/wall-clock.ts';
import type { EndpointLog } from '../endpoint/services.ts';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import {
  readHeartbeat,
  readOutage,
  recordVerdictChanges,
  type SeenSession,
  touchLastSeen,
  writeHeartbeat,
  writeOutage,
} from '../store/liveness.ts';
import type { Database } from '../store/open.ts';
import { forgetLists } from '../store/references.ts';
import { forgetTokens } from '../store/tokens.ts';
import { type JudgedVerdict, type LivenessPolicy, type Outage, verdictOf } from './verdict.ts';

export interface WatchOptions {
  readonly db: Database;
  /** takes the heartbeat, so that a store that works again is known to, whether or not a terminal comes */
  readonly group: GroupCommit;
  readonly operator: string;
  readonly policy: LivenessPolicy;
  /** for so long nobody is blamed after an outage, milliseconds */
  readonly intervalMs: number;
  readonly clock: WallClock;
  readonly log: EndpointLog;
}

/** Tokens are forgotten so long after their end: their holder may still ask what became of it. */
const TOKEN_KEPT_MS = 86_400_000;
const PASSES_PER_GRACE = 8;
const PINGS_EVERY = 2;
/** Lists go unused where a release does: seldom. */
const LISTS_FORGOTTEN_EVERY = 256;
/** A pass that is later than this part of the grace found a verifier that did not run. */
const FROZEN_PART_OF_GRACE = 1 / 2;

/**
 * Keeps what liveness is judged by in the store: who was seen (every quarter grace), that a verifier ran (heartbeat), and each verdict that
 * time changed. Nothing here decides; a restart goes on from what is stored (SPEC.md 7.6).
 */
export class LivenessWatch {
  readonly #options: WatchOptions;
  #ping: () => readonly SeenSession[] = () => [];
  #outage: Outage | undefined;
  /** wall clock at which this verifier was last seen to run */
  #ranAt: number;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #passes = 0;
  #stopped = false;

  private constructor(options: WatchOptions, outage: Outage | undefined, now: number) {
    this.#options = options;
    this.#outage = outage;
    this.#ranAt = now;
  }

  /** The time since the last heartbeat was a time without a verifier. It is noted before a heartbeat hides it. */
  static async open(options: WatchOptions): Promise<LivenessWatch> {
    const { db, operator, clock, intervalMs } = options;
    const heartbeat = await readHeartbeat(db, operator);
    const before = await readOutage(db, operator);
    const now = clock.now();
    const outage =
      heartbeat === undefined ? undefined : followedBy(before, { from: heartbeat, until: now + intervalMs });
    if (outage !== undefined) await writeOutage(db, operator, outage);
    await writeHeartbeat(db, operator, now);
    return new LivenessWatch(options, outage, now);
  }

  /** The verdict of a row now: stored state, time and policy, nothing else. */
  readonly judge = (record: TerminalRecord, now: number): JudgedVerdict => {
    this.#noticeOutage();
    return verdictOf(record, now, this.#options.policy, this.#outage);
  };

  /** @param ping pings every proven connection and says who answered since the last time */
  start(ping: () => readonly SeenSession[]): void {
    this.#ping = ping;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#pass = this.#run().then(() => {
        this.#arm();
      });
    }, this.#options.policy.graceMs / PASSES_PER_GRACE);
  }

  async #run(): Promise<void> {
    try {
      await this.#once();
    } catch (error) {
      this.#options.log.error({ reason: String(error) }, 'a liveness pass failed; the next one makes up for it');
    }
  }

  async #once(): Promise<void> {
    const { db, group, operator, clock } = this.#options;
    this.#noticeOutage();
    const now = clock.now();
    if (this.#passes % PINGS_EVERY === 0) {
      await touchLastSeen(db, operator, this.#ping(), now);
      await forgetTokens(db, operator, now - TOKEN_KEPT_MS);
    }
    await this.#shareOutage(now);
    await group.change('', (tx) => writeHeartbeat(tx, operator, now));
    if (this.#passes % LISTS_FORGOTTEN_EVERY === 0) await forgetLists(db, operator);
    this.#passes += 1;
    await recordVerdictChanges(db, operator, now, (record) => this.judge(record, now));
  }

  /** What this verifier excuses every verifier of the operator excuses, and the other way round: they judge the same rows. */
  async #shareOutage(now: number): Promise<void> {
    const { db, operator } = this.#options;
    const stored = excusedAt(now, await readOutage(db, operator));
    const mine = excusedAt(now, this.#outage);
    const both = mine === undefined || stored === undefined ? (mine ?? stored) : union(mine, stored);
    if (both === undefined) return;
    this.#outage = both;
    if (both.from !== stored?.from || both.until !== stored.until) await writeOutage(db, operator, both);
  }

  /** The clock was put forward, or this process stood still: a suspended machine, a stopped process, an event loop that was held up. */
  #noticeOutage(): void {
    const { clock, intervalMs, log, policy } = this.#options;
    const ranAt = this.#ranAt;
    const step = clock.step();
    const now = clock.now();
    this.#ranAt = now;
    if (step !== undefined) {
      this.#outage = followedBy(this.#outage, { from: step.from, until: step.to + intervalMs });
      log.warn({ from: step.from, to: step.to }, 'the clock was put forward; nobody is blamed for it');
    } else if (now - ranAt > policy.graceMs * FROZEN_PART_OF_GRACE) {
      this.#outage = followedBy(this.#outage, { from: ranAt, until: now + intervalMs });
      log.warn({ from: ranAt, to: now }, 'the verifier stood still; nobody is blamed for it');
    }
  }
}

function excusedAt(now: number, outage: Outage | undefined): Outage | undefined {
  return outage !== undefined && outage.until > now ? outage : undefined;
}

function union(a: Outage, b: Outage): Outage {
  return { from: Math.min(a.from, b.from), until: Math.max(a.until, b.until) };
}

/** An outage that is still excused goes on in the next: who was last seen before it is not blamed because another one came. */
function followedBy(before: Outage | undefined, next: Outage): Outage {
  return before !== undefined && next.from < before.until ? { ...next, from: Math.min(before.from, next.from) } : next;
}
