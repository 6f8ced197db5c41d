/** Where time comes from; both in milliseconds. */
export interface TimeSources {
  /** since 1970, set by people and NTP */
  readonly wall: () => number;
  readonly monotonic: () => number;
}

/** The clock was put forward: nobody ran while the skipped time passed. */
export interface ClockStep {
  readonly from: number;
  readonly to: number;
}

/** A difference between the two sources that is no step, in milliseconds. */
const TOLERANCE_MS = 5000;

/**
 * Wall-clock time that never goes back and never stands still: where the system's clock was put back, the monotonic one carries on, so that
 * evidence ages whatever the clock says (F-25).
 */
export class WallClock {
  readonly #sources: TimeSources;
  /** with its fraction: readings closer together than a millisecond must add up */
  #value: number;
  #readAt: number;
  #step: ClockStep | undefined;

  /** @param floor the latest time known from before, milliseconds since 1970 */
  constructor(sources: TimeSources, floor: number) {
    this.#sources = sources;
    this.#value = Math.max(floor, sources.wall());
    this.#readAt = sources.monotonic();
  }

  now(): number {
    const monotonic = this.#sources.monotonic();
    const carried = this.#value + Math.max(0, monotonic - this.#readAt);
    const wall = this.#sources.wall();
    if (wall - carried > TOLERANCE_MS) this.#step = { from: this.#step?.from ?? Math.floor(carried), to: wall };
    this.#value = Math.max(carried, wall);
    this.#readAt = monotonic;
    return Math.floor(this.#value);
  }

  /** Reads the time. @returns the step where the clock was put forward since this was last asked, whoever read the time in between */
  step(): ClockStep | undefined {
    this.now();
    const step = this.#step;
    this.#step = undefined;
    return step;
  }
}
