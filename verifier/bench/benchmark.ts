import type { Figure } from './table.ts';

export interface BenchmarkOptions {
  /** A/B pairs of every ratio */
  readonly pairs: number;
  /** share of the long runs, 0..1 */
  readonly share: number;
}

/** One lettered benchmark. */
export interface Benchmark {
  readonly name: string;
  readonly about: string;
  run(options: BenchmarkOptions): Promise<readonly Figure[]>;
}
