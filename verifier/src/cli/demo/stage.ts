import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { VerifierError } from '../../error.ts';
import { Child } from './child.ts';
import { commandLine } from './command-line.ts';
import { DaemonApi } from './daemon-api.ts';
import { FleetEvents } from './fleet-events.ts';
import type { Deadlines } from './judge.ts';

export interface StageOptions {
  readonly terminals: number;
  readonly seed: string;
  /** one terminal more, with a TPM emulator, which is there */
  readonly swtpm: boolean;
  readonly fromSources: boolean;
}

const OPERATOR = 'demo';

/** The default policy with shorter intervals; nothing is relaxed. */
const AUDIT = { intervalMs: 1200, graceMs: 2500, nonceLifeMs: 1500 } as const;
const FRESH_INTERVALS = 4;

/** What the daemon was told to go by. */
export const DEADLINES: Deadlines = { ...AUDIT, freshnessMs: FRESH_INTERVALS * AUDIT.intervalMs };

const ready = v.object({ ok: v.literal(true), apiUrl: v.string() });

/** A verifier and a fleet, each in a process of its own, in a directory that is gone afterwards. */
export class Stage {
  readonly events: FleetEvents;
  readonly api: DaemonApi;
  /** rejects once one of the commands ends by itself, or says what nobody understands */
  readonly failed: Promise<never>;
  readonly #directory: string;
  readonly #children: readonly Child[];

  private constructor(
    directory: string,
    children: readonly Child[],
    api: DaemonApi,
    events: FleetEvents,
    failed: Promise<never>,
  ) {
    this.#directory = directory;
    this.#children = children;
    this.api = api;
    this.events = events;
    this.failed = failed;
  }

  /** @throws VerifierError `demo.command` */
  static async open(options: StageOptions): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'mtm-demo-'));
    const children: Child[] = [];
    try {
      return await setUp(directory, children, options, (...parts) => new Stage(directory, children, ...parts));
    } catch (error) {
      await clear(directory, children);
      throw error;
    }
  }

  /** Ends both commands and removes what they left. */
  async close(): Promise<void> {
    this.api.close();
    await clear(this.#directory, this.#children);
  }
}

async function setUp(
  directory: string,
  children: Child[],
  { terminals, seed, swtpm, fromSources }: StageOptions,
  made: (api: DaemonApi, events: FleetEvents, failed: Promise<never>) => Stage,
): Promise<Stage> {
  const verifier = commandLine('mtm-verifier', fromSources);
  const ports = ['--listen-port', '0', '--api-port', '0'];
  const initialised = new Child(
    'mtm-verifier init',
    verifier,
    ['init', '--dir', directory, '--operator', OPERATOR, ...ports, '--json'],
    () => undefined,
  );
  if ((await initialised.exited) !== 0) throw initialised.ended();
  const settings = Object.entries(AUDIT).flatMap(([key, value]) => ['--set', `audit.${key}=${value}`]);
  const url = await new Promise<string>((resolve, reject) => {
    const serve = ['serve', '--config', join(directory, 'verifier.toml'), '--json', '--set', 'log.level=warn'];
    const daemon = new Child('mtm-verifier serve', verifier, [...serve, ...settings], (line) => {
      resolve(v.parse(ready, JSON.parse(line)).apiUrl);
    });
    children.push(daemon);
    void daemon.exited.then(() => reject(daemon.ended()));
  });
  const events = new FleetEvents();
  const options = {
    '--verifier': url,
    '--terminals': String(terminals),
    '--seed': seed,
    '--operator': OPERATOR,
    '--api-token': join(directory, 'api-token'),
    '--ca': join(directory, 'server-chain.pem'),
    '--manifest-key': join(directory, 'manifest-key.pem'),
    ...(swtpm ? { '--tpm': 'swtpm' } : {}),
  };
  const failed = new Promise<never>((_, reject) => {
    const simulate = ['simulate', ...Object.entries(options).flat(), '--json'];
    const fleet = new Child('mtm-agent simulate', commandLine('mtm-agent', fromSources), simulate, (line) => {
      try {
        events.take(line);
      } catch (error) {
        reject(error instanceof Error ? error : new VerifierError('demo.events', line));
      }
    });
    children.push(fleet);
    for (const child of children) void child.exited.then(() => reject(child.ended()));
  });
  failed.catch(() => undefined);
  const token = await readFile(join(directory, 'api-token'), 'utf8');
  const certificates = await readFile(join(directory, 'server-chain.pem'), 'utf8');
  return made(new DaemonApi({ url, token: token.trim(), certificates }), events, failed);
}

/** The fleet first: its terminals go off while their verifier still answers. */
async function clear(directory: string, children: readonly Child[]): Promise<void> {
  for (const child of children.toReversed()) await child.stop();
  await rm(directory, { recursive: true, force: true });
}
