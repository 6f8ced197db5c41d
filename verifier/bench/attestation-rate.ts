import { setTimeout as delay } from 'node:timers/promises';
import { verifyBare } from './appraisal.ts';
import type { Benchmark } from './benchmark.ts';
import { Fleet } from './fleet.ts';
import { type Estimate, estimate, repeated } from './pairs.ts';
import { cpuTimeOf } from './process-figures.ts';
import { Site } from './site.ts';
import { SteadyAudit } from './steady-audit.ts';
import { type Figure, figureOf, type Target } from './table.ts';

const TERMINALS = 128;
/** Mean time between two audits of a terminal: more than the daemon and the fleet can do together on two cores. */
const SETTINGS = ['audit.intervalMs=60', 'audit.nonceLifeMs=60000'];
const WARM_UP_MS = 3000;
const SLICE_MS = 80;
const BARE = 64;
const WAVE = 96;
const TARGET: Target = { bound: 'at most', value: 3 };

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
        await fleet.wave(WAVE);
        await delay(WARM_UP_MS);
        const full = await measured(site, fleet, pairs);
        await fleet.wave(1);
        await delay(WARM_UP_MS);
        return [
          ...figuresOf(full, 'many at once', TARGET),
          ...figuresOf(await measured(site, fleet, pairs / 3), 'as they come'),
        ];
      } finally {
        await fleet.stop();
      }
    } finally {
      await site.stop();
    }
  },
};

interface Measured {
  readonly multiples: Estimate;
  readonly perSecond: number;
  readonly share: number;
}

async function measured(site: Site, fleet: Fleet, pairs: number): Promise<Measured> {
  const { bare } = new SteadyAudit(10);
  const bareBatch = repeated(BARE, () => verifyBare(bare));
  const multiples: number[] = [];
  const look = async () => ({ at: performance.now(), results: await fleet.results(), cpu: cpuTimeOf(site.pid) });
  const begin = await look();
  let before = begin;
  for (let i = 0; i < pairs; i++) {
    const verification = (await bareBatch()) / BARE;
    await delay(SLICE_MS);
    const now = await look();
    multiples.push((now.cpu - before.cpu) / (now.results - before.results) / verification);
    before = now;
  }
  const seconds = (before.at - begin.at) / 1000;
  return {
    multiples: estimate(multiples),
    perSecond: (before.results - begin.results) / seconds,
    share: (before.cpu - begin.cpu) / 1e6 / seconds,
  };
}

function figuresOf({ multiples, perSecond, share }: Measured, load: string, target?: Target): readonly Figure[] {
  const note = `${TERMINALS} terminals; the daemon was busy for ${(100 * share).toFixed(0)} % of one core`;
  const what = `server CPU of an attestation / of a bare verification, ${load}`;
  const rate = { benchmark: 'b', unit: '1/s' };
  return [
    figureOf(multiples, { benchmark: 'b', what, unit: '', note, ...(target === undefined ? {} : { target }) }),
    { ...rate, what: `attestations through this load, ${load}`, value: perSecond },
    { ...rate, what: `attestations of one core of the daemon, ${load}`, value: perSecond / share },
  ];
}
