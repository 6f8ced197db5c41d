import { setTimeout as delay } from 'node:timers/promises';
import type { TrustedPlatform } from '../platform/platform.ts';
import { type Firmware, FLEET_MODEL, type Shipment } from './firmware.ts';
import type { TerminalDisk } from './power.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedTerminal } from './terminal.ts';
import type { VerifierApi } from './verifier-api.ts';

/** What all terminals of a fleet share. */
export interface Site {
  readonly api: VerifierApi;
  readonly firmware: Firmware;
  /** for what terminals own on disk */
  readonly directory: string;
  readonly stopping: AbortSignal;
  /** how `mtm-agent` is started as a process */
  readonly command: readonly [program: string, ...args: string[]];
  /** The maker publishes the next release, once. */
  nextRelease(): Promise<Shipment>;
  /** Boots and enrolments take turns, so that a large fleet does not come all at once. */
  enter<T>(work: () => Promise<T>): Promise<T>;
}

/** One terminal's part of the simulation: what its script may use, and how it tells what happened. */
export interface Stage {
  readonly id: string;
  readonly site: Site;
  readonly random: SeededRandom;
  /** A terminal of this name, switched off; a second one is somebody else who claims to be it. */
  terminal(parts?: {
    readonly slots?: string;
    readonly disk?: TerminalDisk;
    readonly lie?: (genuine: TrustedPlatform) => Promise<TrustedPlatform>;
  }): SimulatedTerminal;
  step(name: string): void;
  /** From now on everything the terminal does is after the attack. */
  attack(): void;
  /** Nothing more is done to the terminal; it goes on as it is. */
  lastStep(): void;
  check(name: string, ok: boolean): void;
}

export type Script = (stage: Stage) => Promise<void>;

/** Boots, enrols with a fresh token, and runs. @returns the token */
export async function deploy(stage: Stage, terminal: SimulatedTerminal): Promise<string> {
  const { api } = stage.site;
  return stage.site.enter(async () => {
    await terminal.boot();
    const token = await api.token(stage.id, 'simulated', FLEET_MODEL);
    await terminal.agent.enrol(token);
    stage.step('enrolled');
    terminal.run();
    return token;
  });
}

const LOOK_MS = 400;

/** Waits until the verifier has recorded so many more results, as it says itself: for agents in processes of their own. */
export async function decisions({ id, site }: Stage, count: number): Promise<void> {
  let last: number | undefined;
  for (;;) {
    const results = await site.api.results(id);
    last ??= results;
    if (results >= last + count) return;
    await delay(LOOK_MS, undefined, { signal: site.stopping });
  }
}

const TRUSTED_BEFORE = 2;

/** Deployed, and trusted at the gate and in an audit after it. @returns the token */
export async function audited(stage: Stage, terminal: SimulatedTerminal): Promise<string> {
  const trusted = terminal.results(TRUSTED_BEFORE, ({ verdict }) => verdict === 'trusted');
  const [token] = await Promise.all([deploy(stage, terminal), trusted]);
  stage.step('audited');
  return token;
}
