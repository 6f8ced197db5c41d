import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Channel, dial } from '@mtm-attest/agent';
import type { Benchmark } from './benchmark.ts';
import { Fleet } from './fleet.ts';
import { MeasuredProcess } from './measured-process.ts';
import { estimate } from './pairs.ts';
import { residentBytes } from './process-figures.ts';
import { Site } from './site.ts';
import { type Figure, figureOf } from './table.ts';

const BARE_SERVER = fileURLToPath(new URL('bare-server.mjs', import.meta.url));
/** Connected before the first look, so that what a process needs once is not counted. */
const FIRST = 100;
const TERMINALS = 500;
const REPEATS = 3;
const AT_ONCE = 16;
const SETTLE_MS = 1500;
const KIBIBYTE = 1024;

/** (d) Resident memory of one idle connection of a proven, appraised terminal, against one of a server that does nothing. */
export const idleMemory: Benchmark = {
  name: 'd',
  about: 'memory of an idle terminal against a bare ws TLS server',
  async run({ share }) {
    const site = await Site.start();
    try {
      const fleet = await Fleet.enrol(site, FIRST + TERMINALS);
      try {
        return await measured(site, fleet, Math.max(1, Math.round(REPEATS * share)));
      } finally {
        await fleet.stop();
      }
    } finally {
      await site.stop();
    }
  },
};

async function measured(site: Site, fleet: Fleet, repeats: number): Promise<readonly Figure[]> {
  const perTerminal: number[] = [];
  const perBare: number[] = [];
  for (let i = 0; i < repeats; i++) {
    perBare.push(await bareServer(site));
    perTerminal.push(await daemon(site, fleet));
  }
  const ratios = perTerminal.map((bytes, i) => bytes / (perBare[i] ?? 0));
  const kibibytes = (bytes: number): number => bytes / KIBIBYTE;
  return [
    figureOf(estimate(ratios), {
      benchmark: 'd',
      what: 'memory of an idle terminal / of an idle bare connection',
      unit: '',
      target: { bound: 'at most', value: 1.5 },
      note: `${TERMINALS} connections, both servers started anew each time; the interval is the whole range`,
    }),
    figureOf(estimate(perTerminal.map(kibibytes)), { benchmark: 'd', what: 'an idle terminal', unit: 'KiB' }),
    figureOf(estimate(perBare.map(kibibytes)), { benchmark: 'd', what: 'an idle bare connection', unit: 'KiB' }),
  ];
}

/** The daemon is started anew: what enrolment left in its memory is not counted. */
async function daemon(site: Site, fleet: Fleet): Promise<number> {
  await site.restartDaemon();
  const grown = await growth(site.pid, (from, to) => fleet.connect(from, to));
  await fleet.disconnect();
  return grown;
}

async function bareServer({ certificate }: Site): Promise<number> {
  const server = MeasuredProcess.start([BARE_SERVER, certificate.chain, certificate.key]);
  const url = `wss://localhost:${await server.firstLine()}/`;
  const root = lastCertificate(readFileSync(certificate.chain, 'utf8'));
  const channels: Channel[] = [];
  try {
    return await growth(server.pid, async (from, to) => {
      const numbers = Array.from({ length: to - from }).keys();
      const connecting = Array.from({ length: AT_ONCE }, async () => {
        while (numbers.next().done !== true) channels.push(await idleChannel(url, root));
      });
      await Promise.all(connecting);
    });
  } finally {
    for (const channel of channels) channel.close();
    await server.stop();
  }
}

async function idleChannel(url: string, root: string): Promise<Channel> {
  const channel = await dial({ url, root, binding: 'tls-exporter' });
  channel.send(new Uint8Array(200));
  await channel.receive();
  return channel;
}

async function growth(pid: number, connect: (from: number, to: number) => Promise<void>): Promise<number> {
  await connect(0, FIRST);
  await delay(SETTLE_MS);
  const before = residentBytes(pid);
  await connect(FIRST, FIRST + TERMINALS);
  await delay(SETTLE_MS);
  return (residentBytes(pid) - before) / TERMINALS;
}

function lastCertificate(chain: string): string {
  return chain.slice(chain.lastIndexOf('-----BEGIN CERTIFICATE-----'));
}
