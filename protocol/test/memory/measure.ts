import { decodeStrict } from '../../src/msgpack/codec.ts';
import { checkStrict } from '../../src/msgpack/strict.ts';
import { unlessRefused } from '../refusal.ts';
import { DECLARING, LONG_VECTORS, type MemoryVector, SHORT_VECTORS } from './vectors.ts';

/** What a child process with --expose-gc prints: bytes of heap by vector. */
export interface Measured {
  readonly long: readonly Growth[];
  readonly short: readonly Growth[];
  readonly declaring: readonly Growth[];
}

export interface Growth {
  readonly name: string;
  readonly inputBytes: number;
  /** heap and array buffers for one parsing */
  readonly growth: number;
}

/** Kept at once, so that what the engine does beside falls on many. */
const LONG_RUNS = 8;
const SHORT_RUNS = 2000;
const DECLARING_RUNS = 21;

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function settled(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return used();
}

/** What the results of `times` parsings hold on to, once everything else is collected; what is compiled was compiled before. */
function retained({ name, input, parse }: MemoryVector, times: number): Growth {
  parse(input);
  const kept: unknown[] = [];
  const before = settled();
  for (let i = 0; i < times; i++) kept.push(parse(input));
  const growth = (settled() - before) / kept.length;
  return { name, inputBytes: input.length, growth };
}

/** What a refusal takes before anything is collected: the median, since a collection may fall into one attempt. */
function taken([name, input]: readonly [string, Uint8Array], parse: (input: Uint8Array) => unknown): Growth {
  const attempts = Array.from({ length: DECLARING_RUNS }, () => {
    const before = used();
    unlessRefused(() => parse(input));
    return used() - before;
  });
  return { name, inputBytes: input.length, growth: median(attempts) };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Infinity;
}

const measured: Measured = {
  long: LONG_VECTORS.map((vector) => retained(vector, LONG_RUNS)),
  short: SHORT_VECTORS.map((vector) => retained(vector, SHORT_RUNS)),
  declaring: [
    ...DECLARING.map((vector) => taken(vector, checkStrict)),
    ...DECLARING.map(([name, input]) => taken([`${name}, decoded`, input], decodeStrict)),
  ],
};
process.stdout.write(JSON.stringify(measured));
