import { nextAuditDelay } from '../challenge/schedule.ts';
import type { EndpointServices } from './services.ts';

/** setTimeout counts no further. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** When one terminal is audited next, as long as its connection lives. */
export class AuditTimer {
  readonly #services: Pick<EndpointServices, 'clock' | 'policy' | 'random'>;
  readonly #due: () => void;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;

  /** @param due called at each scheduled audit */
  constructor(services: Pick<EndpointServices, 'clock' | 'policy' | 'random'>, due: () => void) {
    this.#services = services;
    this.#due = due;
  }

  /** The next audit's time, milliseconds since 1970. */
  get nextAt(): number {
    return this.#nextAt;
  }

  /** The schedule goes on from stored state; a time that has passed was served by the challenge after hello. */
  start(storedAt: number): void {
    const { clock, policy, random } = this.#services;
    const now = clock.wall();
    const number = Buffer.from(random(6)).readUIntBE(0, 6);
    this.#nextAt = storedAt > now ? storedAt : now + nextAuditDelay(policy.auditIntervalMs, number);
    const wait = this.#nextAt - now;
    this.#timer = setTimeout(
      () => {
        if (wait > MAX_TIMER_MS) return this.start(this.#nextAt);
        this.start(0);
        this.#due();
      },
      Math.min(wait, MAX_TIMER_MS),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
