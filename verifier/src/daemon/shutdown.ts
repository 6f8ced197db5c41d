import type { Daemon } from './daemon.ts';
import type { Log } from './log.ts';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof EXIT_CODES;

export interface ShutdownOptions {
  /** time for the work in progress, milliseconds */
  readonly deadlineMs: number;
  readonly log: Log;
}

/**
 * Runs until SIGTERM or SIGINT, then drains. A second signal, or the deadline, ends the wait; SIGHUP reloads.
 * @returns the exit code: 143 after SIGTERM, 130 after SIGINT
 */
export async function untilSignal(daemon: Daemon, { deadlineMs, log }: ShutdownOptions): Promise<number> {
  const reload = (): void => {
    daemon.reload?.().then(
      () => {
        log.info('reloaded');
      },
      (error: unknown) => {
        log.error({ reason: String(error) }, 'reload failed; everything stays as it was');
      },
    );
  };
  process.on('SIGHUP', reload);
  const signals = new StopSignals();
  const signal = await signals.first;
  process.off('SIGHUP', reload);
  log.info({ signal, deadlineMs }, 'draining');
  const drained = await Promise.race([
    stopped(daemon, log),
    deadline(deadlineMs),
    signals.second.then(() => 'hurried'),
  ]);
  log.info({ signal, end: drained }, 'stopped');
  return EXIT_CODES[signal];
}

async function stopped(daemon: Daemon, log: Log): Promise<string> {
  try {
    await daemon.stop();
    return 'drained';
  } catch (error) {
    log.error({ reason: String(error) }, 'draining failed');
    return 'failed';
  }
}

function deadline(ms: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, 'deadline');
  });
}

/** The handlers stay from the first signal on: one that comes while the first is handled must not end the process by itself. */
class StopSignals {
  readonly first: Promise<StopSignal>;
  readonly second: Promise<StopSignal>;

  constructor() {
    const waiting: ((signal: StopSignal) => void)[] = [];
    this.first = new Promise((resolve) => waiting.push(resolve));
    this.second = new Promise((resolve) => waiting.push(resolve));
    for (const name of Object.keys(EXIT_CODES) as StopSignal[]) process.on(name, () => waiting.shift()?.(name));
  }
}
