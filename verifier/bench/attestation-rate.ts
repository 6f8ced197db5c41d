import { setTimeout as delay } from 'node:timers/promises';
import { verifyBare } from './appraisal.ts';
import type { Benchmark } from './benchmark.ts';
import { Fleet } from './fleet.ts';
import { estimate, repeated } from './pairs.ts';
import { cpuTimeOf } from './process-figures.ts';
import { Site } from './site.ts';
import { SteadyAudit } from './steady-audit.ts';
import { type Figure, figureOf } from './table.ts';

const TERMINALS = 128;
/** Mean time between two audits of a terminal: more than the daemon and the fleet can do together on two cores. */
const SETTINGS = ['audit.intervalMs=60', 'audit.nonceLifeMs=60000'];
const WARM_UP_MS = 3000;
const SLICE_MS = 120;
const BARE = 64;

/** (b) The daemon as it is delivered, over wss, every result durable before it is sent. */
export const attestationRate: Benchmark = {
  name: 'b',
  about: 'attestations through the running daemon, durable, over wss',
  async run({ pairs }) {
    const site = await Site.start(SETTINGS);
    try {
      const fleet = await Fleet.enrol(site, TERMINALS);
      try {
        await fleet.connect(0, TERMINALS);
        await delay(WARM_UP_MS);
        return await measured(site, fleet, pairs);
      } finally {
        await fleet.stop();
      }
    } finally {
      await site.stop();
    }
  },
};

async function measured(site: Site, fleet: Fleet, pairs: number): Promise<readonly Figure[]> {
  const { bare } = new SteadyAudit(10);
  const bareBatch = repeated(BARE, () => verifyBare(bare));
  const multiples: number[] = [];
  const begin = { at: performance.now(), results: await fleet.results(), cpu: cpuTimeOf(site.pid) };
  let before = begin;
  for (let i = 0; i < pairs; i++) {
    const verification = (await bareBatch()) / BARE;
    await delay(SLICE_MS);
    const now = { at: performance.now(), results: await fleet.results(), cpu: cpuTimeOf(site.pid) };
    multiples.push((now.cpu - before.cpu) / (now.results - before.results) / verification);
    before = now;
  }
  const seconds = (before.at - begin.at) / 1000;
  const attestations = before.results - begin.results;
  const microseconds = before.cpu - begin.cpu;
  return [
    figureOf(estimate(multiples), {
      benchmark: 'b',
      what: 'server CPU of an attestation / of a bare verification',
      unit: '',
      target: { bound: 'at most', value: 3 },
      note: `${TERMINALS} terminals, ${attestations} attestations`,
    }),
    { benchmark: 'b', what: 'attestations, this load', unit: '1/s', value: attestations / seconds },
    { benchmark: 'b', what: "daemon's share of one core", unit: '', value: microseconds / 1e6 / seconds },
    { benchmark: 'b', what: 'attestations of one core', unit: '1/s', value: attestations / (microseconds / 1e6) },
  ];
}
