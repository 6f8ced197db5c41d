import { type HashName, type ImaEntry, replayImaList } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AGGREGATE, file, imaList } from '../test/log-check/ima-file.ts';
import { estimate, pairedRatios, repeated } from './pairs.ts';
import { type Figure, figureOf, type Target } from './table.ts';

const ENTRIES = 2000;
const LONG_ENTRIES = 100_000;
const MEBIBYTE = 1_048_576;
const RATE: Target = { bound: 'at least', value: 0.5 };
const HEAP: Target = { bound: 'at most', value: 64 };
const SAMPLED_EVERY = 500;
const HEAP_RUNS = 5;

/** An IMA list as a terminal that runs for long has it: signed and unsigned files with long paths, in the ASCII form. */
function listOf(entries: number): Uint8Array {
  const path = (i: number): string => `/usr/lib/x86_64-linux-gnu/module-${i}/libexample.so.${i}`;
  return imaList([AGGREGATE, ...Array.from({ length: entries - 1 }, (_, i) => file(path(i)))]);
}

/** Replaying an IMA list: the time of it against that of its hashes alone, and the heap that it takes. */
export async function imaReplay(pairs: number): Promise<readonly Figure[]> {
  const ascii = listOf(ENTRIES);
  const entries: ImaEntry[] = [];
  replayImaList(ascii, nodeCrypto, { banks: [], rule: 'per-bank' }, (entry) => {
    entries.push({ ...entry, digest: entry.digest.slice(), data: entry.data.slice() });
  });
  const binary = new Uint8Array(Buffer.concat(entries.map(binaryEntry)));
  const figures: Figure[] = [];
  for (const bank of ['sha1', 'sha256'] as const) {
    const replays = [ascii, binary].map((list) =>
      repeated(1, () => replayImaList(list, nodeCrypto, { banks: [bank], rule: 'per-bank' })),
    );
    const ratios = await pairedRatios(pairs, replays, bareLoop(entries, bank));
    for (const [i, { median, low, high, samples }] of ratios.entries()) {
      const what = `IMA list, ${i === 0 ? 'ASCII' : 'binary'}, ${bank}: replay / bare hash loop, entries in the same time`;
      const inverse = { median: 1 / median, low: 1 / high, high: 1 / low, samples };
      figures.push(figureOf(inverse, { benchmark: 'e', what, unit: '', target: RATE }));
    }
  }
  return [...figures, heapFigure()];
}

/** The same hashes over the same bytes: the template digest shown, that of the bank where it is another, and the extend. */
function bareLoop(entries: readonly ImaEntry[], bank: HashName) {
  const input = new Uint8Array(2 * nodeCrypto[bank](new Uint8Array()).length);
  return repeated(1, () => {
    for (const { data } of entries) {
      nodeCrypto.sha1(data);
      if (bank !== 'sha1') nodeCrypto[bank](data);
      nodeCrypto[bank](input);
    }
  });
}

function binaryEntry({ pcr, digest, template, data }: ImaEntry): Buffer {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  return Buffer.concat([u32(pcr), digest, u32(template.length), Buffer.from(template), u32(data.length), data]);
}

/** The most that is in use beside the list while it is replayed, garbage included. */
function heapFigure(): Figure {
  const list = listOf(LONG_ENTRIES);
  const peaks = Array.from({ length: HEAP_RUNS }, () => {
    globalThis.gc?.();
    const before = used();
    let peak = 0;
    replayImaList(list, nodeCrypto, { banks: ['sha256'], rule: 'per-bank' }, ({ index }) => {
      if (index % SAMPLED_EVERY === 0) peak = Math.max(peak, used() - before);
    });
    return peak / MEBIBYTE;
  });
  const what = `IMA list of ${LONG_ENTRIES} entries (${(list.length / MEBIBYTE).toFixed(0)} MiB): heap above the list`;
  return figureOf(estimate(peaks), { benchmark: 'e', what, unit: 'MiB', target: HEAP });
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
