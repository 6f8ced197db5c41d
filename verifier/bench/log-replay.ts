import { encodeEvent, encodeRecord, LogReplay } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { LogFold } from '../src/appraisal/log-facts.ts';
import { agentByLogLength } from './agent-by-log-length.ts';
import type { Benchmark } from './benchmark.ts';
import { imaReplay } from './ima-replay.ts';
import { pairedRatios, repeated } from './pairs.ts';
import { SteadyAudit } from './steady-audit.ts';
import { figureOf, type Target } from './table.ts';

const EVENTS = 2000;
const AUDIT_PCR = 13;
const BATCH = 16;
export const LENGTHS = [10, 1000, 100_000] as const;
export const FLAT: Target = { bound: 'at most', value: 1.2, of: 'interval' };

/** (e) What a log costs: replaying it whole, and having a long one behind a steady re-attestation. */
export const logCost: Benchmark = {
  name: 'e',
  about: 'replay of event logs and IMA lists, and re-attestations with a long log behind them',
  async run({ pairs }) {
    return [
      ...(await replay(pairs)),
      ...(await imaReplay(pairs)),
      ...(await verifierByLogLength(pairs)),
      ...(await agentByLogLength(pairs)),
    ];
  },
};

/** The same hashes over the same bytes by the same function; what is over is reading records and keeping 24 values. */
async function replay(pairs: number) {
  const digest = new Uint8Array(32).fill(7);
  const contents = Array.from({ length: EVENTS }, (_, i) =>
    encodeEvent({ type: 'audit', nonce: nodeCrypto.sha256(Uint8Array.of(i & 0xff, i >> 8)), listDigest: digest }),
  );
  const log = new Uint8Array(Buffer.concat(contents.map((content) => encodeRecord(AUDIT_PCR, content))));
  const both = new Uint8Array(64);
  const bare = repeated(1, () => {
    for (const content of contents) {
      nodeCrypto.sha256(content);
      nodeCrypto.sha256(both);
    }
  });
  const replayed = repeated(1, () => new LogReplay(nodeCrypto.sha256).feed(log));
  const folded = repeated(1, () => new LogFold(nodeCrypto.sha256, undefined).feed(log));
  const [ratio, fold] = await pairedRatios(pairs, [replayed, folded], bare).then((ratios) => ratios.map(inverse));
  if (ratio === undefined || fold === undefined) throw new RangeError('no ratio');
  const target: Target = { bound: 'at least', value: 0.7 };
  return [
    figureOf(ratio, { benchmark: 'e', what: 'log replay / bare hash loop, events in the same time', unit: '', target }),
    figureOf(fold, { benchmark: 'e', what: 'the same with every event decoded and held against its form', unit: '' }),
  ];
}

function inverse({ median, low, high, samples }: Parameters<typeof figureOf>[0]): Parameters<typeof figureOf>[0] {
  return { median: 1 / median, low: 1 / high, high: 1 / low, samples };
}

async function verifierByLogLength(pairs: number) {
  const [few, ...more] = LENGTHS.map((events) => new SteadyAudit(events));
  if (few === undefined) throw new RangeError('no lengths');
  const batchOf = (audit: SteadyAudit) => repeated(BATCH, () => audit.whole());
  const ratios = await pairedRatios(pairs, more.map(batchOf), batchOf(few));
  return ratios.map((ratio, i) => {
    const what = `verifier: re-attestation after ${more[i]?.events ?? 0} events / after ${few.events}`;
    return figureOf(ratio, { benchmark: 'e', what, unit: '', target: FLAT });
  });
}
