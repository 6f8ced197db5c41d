import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MeasuredProcess } from './measured-process.ts';
import { estimate } from './pairs.ts';
import { childrenOf, residentBytes } from './process-figures.ts';
import { Site } from './site.ts';
import { type Figure, figureOf } from './table.ts';

const AGENT = fileURLToPath(new URL('../../agent/', import.meta.url));
const BARE_NODE = "process.stdout.write('ready\\n'); setInterval(() => undefined, 60000)";
const STARTS = 15;
const LOOK_MS = 2;
const IDLE_MS = 3000;
const MEBIBYTE = 1024 * 1024;

interface Started {
  readonly milliseconds: number;
  /** agent process above bare node, bytes */
  readonly agent: number;
  /** its trusted environment's process above bare node, bytes */
  readonly tre: number;
}

/** What an agent as users start it, `mtm-agent run` with a trusted environment in a process of its own, takes of a device. */
export async function agentFootprint(share: number): Promise<readonly Figure[]> {
  const site = await Site.start();
  try {
    const terminal = new DeliveredAgent(site);
    await terminal.enrol();
    const starts: Started[] = [];
    const multiples: number[] = [];
    for (let i = 0; i < Math.max(3, Math.round(STARTS * share)); i++) {
      const bare = await bareStart();
      const started = await terminal.start(bare.resident, i === 0);
      starts.push(started);
      multiples.push(started.milliseconds / bare.milliseconds);
    }
    const [first] = starts;
    const times = estimate(starts.map(({ milliseconds }) => milliseconds));
    return [
      ...installed(),
      { benchmark: 'f', what: 'agent: resident above bare node', unit: 'MiB', value: (first?.agent ?? 0) / MEBIBYTE },
      { benchmark: 'f', what: 'its TrE process: the same', unit: 'MiB', value: (first?.tre ?? 0) / MEBIBYTE },
      figureOf(estimate(multiples), {
        benchmark: 'f',
        what: 'start to first verdict / start of bare node',
        unit: '',
        note: 'process start to filed verdict: TrE process, boot, TLS, gate; wall time',
      }),
      figureOf(times, { benchmark: 'f', what: 'start to first verdict', unit: 'ms' }),
    ];
  } finally {
    await site.stop();
  }
}

async function bareStart(): Promise<{ readonly milliseconds: number; readonly resident: number }> {
  const begin = performance.now();
  const bare = MeasuredProcess.start(['-e', BARE_NODE]);
  await bare.firstLine();
  const milliseconds = performance.now() - begin;
  const resident = residentBytes(bare.pid);
  await bare.stop();
  return { milliseconds, resident };
}

/** A terminal by its command. */
class DeliveredAgent {
  readonly #site: Site;
  readonly #state: string;

  constructor(site: Site) {
    this.#site = site;
    this.#state = join(site.directory, 'terminal');
    mkdirSync(this.#state, { mode: 0o700 });
  }

  async enrol(): Promise<void> {
    const token = join(this.#site.directory, 'token');
    writeFileSync(token, await this.#site.token('t-1', 'software'), { mode: 0o600 });
    await MeasuredProcess.start([...this.#command('enrol'), '--token', token]).ended();
  }

  /** From nothing running to the first verdict, and to the end again. */
  async start(bareResident: number, idle: boolean): Promise<Started> {
    const filed = this.#filed();
    const begin = performance.now();
    const agent = MeasuredProcess.start(this.#command('run'));
    while (this.#filed() === filed) await delay(LOOK_MS);
    const milliseconds = performance.now() - begin;
    if (idle) await delay(IDLE_MS);
    const [tre] = childrenOf(agent.pid);
    const above = (pid: number): number => residentBytes(pid) - bareResident;
    const started = { milliseconds, agent: above(agent.pid), tre: tre === undefined ? 0 : above(tre) };
    await agent.stop();
    return started;
  }

  #command(name: 'enrol' | 'run'): readonly string[] {
    return [join(AGENT, 'bin/mtm-agent.js'), name, '--state', this.#state, '--slots', this.#site.slots];
  }

  #filed(): number {
    const file = join(this.#state, 'agent/results.jsonl');
    return existsSync(file) ? readFileSync(file).length : 0;
  }
}

interface Manifest {
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Bytes that installing the agent brings: its own packages as they are published, and everything they depend on. */
function installed(): readonly Figure[] {
  const found = new Map<string, string>();
  gather(AGENT, found);
  found.delete('.');
  const [own, others] = [true, false].map((ours) =>
    [...found].filter(([name]) => name.startsWith('@mtm-attest/') === ours).map(([, directory]) => directory),
  );
  const what = 'agent: installed bytes of production dependencies';
  const names = [...found.keys()].filter((name) => !name.startsWith('@mtm-attest/')).join(', ');
  const bytes = sum(others?.map((directory) => bytesUnder(directory)) ?? []);
  const published = sum([AGENT, ...(own ?? [])].map(publishedBytes));
  return [
    { benchmark: 'f', what, unit: 'MiB', value: bytes / MEBIBYTE, note: names },
    { benchmark: 'f', what: 'agent and protocol themselves, as published', unit: 'MiB', value: published / MEBIBYTE },
  ];
}

function gather(directory: string, found: Map<string, string>): void {
  const { dependencies, optionalDependencies } = manifestOf(directory);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const place = found.has(name) ? undefined : placeOf(name, directory);
    if (place === undefined) continue;
    found.set(name, place);
    gather(place, found);
  }
}

/** Where Node would find it; undefined for an optional one that is not installed. */
function placeOf(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const place = join(directory, 'node_modules', name);
    if (existsSync(place)) return place;
    if (dirname(directory) === directory) return undefined;
  }
}

function publishedBytes(directory: string): number {
  return sum((manifestOf(directory).files ?? []).map((name) => bytesUnder(join(directory, name))));
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

function bytesUnder(path: string): number {
  const entry = lstatSync(path);
  if (!entry.isDirectory()) return entry.size;
  return sum(readdirSync(path).map((name) => (name === 'node_modules' ? 0 : bytesUnder(join(path, name)))));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
