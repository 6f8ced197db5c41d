/** A median with what 95 of 100 repetitions would show of it. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

/** Runs one small batch and returns what it cost, in a unit that both sides of a ratio share. */
export type Batch = () => number | Promise<number>;

const Z = 1.96;
const WARM_UP = 20;

/**
 * Median, and its 95 % interval from order statistics: no distribution is assumed.
 * @throws RangeError for no samples
 */
export function estimate(samples: readonly number[]): Estimate {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (index: number): number => {
    const value = sorted[Math.min(Math.max(index, 0), sorted.length - 1)];
    if (value === undefined) throw new RangeError('no samples');
    return value;
  };
  const reach = (Z * Math.sqrt(sorted.length)) / 2;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at(Math.floor(sorted.length / 2 - reach) - 1),
    high: at(Math.ceil(sorted.length / 2 + reach)),
    samples: sorted.length,
  };
}

/** Ratio of two costs, batch against batch; who goes first alternates, so that a machine that slows down favours nobody. */
export async function pairedRatio(pairs: number, above: Batch, below: Batch): Promise<Estimate> {
  const [ratio] = await pairedRatios(pairs, [above], below);
  if (ratio === undefined) throw new RangeError('no ratio');
  return ratio;
}

/** Several costs against one, all of them in every round. */
export async function pairedRatios(pairs: number, above: readonly Batch[], below: Batch): Promise<readonly Estimate[]> {
  const batches = [below, ...above];
  const ratios: number[][] = above.map(() => []);
  for (let round = -WARM_UP; round < pairs; round++) {
    const costs = new Map<Batch, number>();
    for (const batch of round % 2 === 0 ? batches : batches.toReversed()) costs.set(batch, await batch());
    if (round < 0) continue;
    for (const [i, batch] of above.entries()) ratios[i]?.push((costs.get(batch) ?? 0) / (costs.get(below) ?? 0));
  }
  return ratios.map(estimate);
}

/** CPU time of this process, all its threads, in microseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** A batch of `times` calls, timed as CPU. */
export function repeated(times: number, work: () => void): Batch {
  return () => {
    const before = cpuTime();
    for (let i = 0; i < times; i++) work();
    return cpuTime() - before;
  };
}
