import type { WallClock } from '../daemon/wall-clock.ts';
import type { EndpointLog } from '../endpoint/services.ts';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import { readHeartbeat, recordVerdictChanges, touchLastSeen, writeHeartbeat } from '../store/liveness.ts';
import type { Database } from '../store/open.ts';
import { forgetTokens } from '../store/tokens.ts';
import { type JudgedVerdict, type LivenessPolicy, type Outage, verdictOf } from './verdict.ts';

export interface WatchOptions {
  readonly db: Database;
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

/**
 * Keeps what liveness is judged by in the store: who was seen (every quarter grace), that a verifier ran (heartbeat), and each verdict that
 * time changed. Nothing here decides; a restart goes on from what is stored (SPEC.md 7.6).
 */
export class LivenessWatch {
  readonly #options: WatchOptions;
  #ping: () => readonly string[] = () => [];
  #outage: Outage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #passes = 0;
  #stopped = false;

  private constructor(options: WatchOptions, outage: Outage | undefined) {
    this.#options = options;
    this.#outage = outage;
  }

  /** The time since the last heartbeat was a time without a verifier. */
  static async open(options: WatchOptions): Promise<LivenessWatch> {
    const { db, operator, clock, intervalMs } = options;
    const heartbeat = await readHeartbeat(db, operator);
    const now = clock.now();
    await writeHeartbeat(db, operator, now);
    return new LivenessWatch(
      options,
      heartbeat === undefined ? undefined : { from: heartbeat, until: now + intervalMs },
    );
  }

  /** The verdict of a row now: stored state, time and policy, nothing else. */
  readonly judge = (record: TerminalRecord, now: number): JudgedVerdict => {
    this.#noticeStep();
    return verdictOf(record, now, this.#options.policy, this.#outage);
  };

  /** @param ping pings every proven connection and says who answered since the last time */
  start(ping: () => readonly string[]): void {
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
    const { db, operator, clock } = this.#options;
    this.#noticeStep();
    const now = clock.now();
    if (this.#passes % PINGS_EVERY === 0) {
      await touchLastSeen(db, operator, this.#ping(), now);
      await writeHeartbeat(db, operator, now);
      await forgetTokens(db, operator, now - TOKEN_KEPT_MS);
    }
    this.#passes += 1;
    await recordVerdictChanges(db, operator, now, (record) => this.judge(record, now));
  }

  /** An outage that is still excused goes on: who was last seen before it is not blamed because the clock was put forward too. */
  #noticeStep(): void {
    const { clock, intervalMs, log } = this.#options;
    const step = clock.step();
    if (step === undefined) return;
    const before = this.#outage;
    const from = before !== undefined && step.from < before.until ? Math.min(before.from, step.from) : step.from;
    this.#outage = { from, until: step.to + intervalMs };
    log.warn({ from: step.from, to: step.to }, 'the clock was put forward; nobody is blamed for it');
  }
}
