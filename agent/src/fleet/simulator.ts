import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentLog } from '../log.ts';
import type { BackOff } from '../session/back-off.ts';
import type { Role } from './cast.ts';
import { announcement, type Tell } from './events.ts';
import { Firmware, FLEET_MODEL, type Shipment } from './firmware.ts';
import type { Maker } from './maker.ts';
import { SeededRandom } from './seeded-random.ts';
import type { Site, Stage } from './stage.ts';
import { SimulatedTerminal } from './terminal.ts';
import { Turnstile } from './turnstile.ts';
import type { VerifierApi } from './verifier-api.ts';

export interface FleetOptions {
  readonly api: VerifierApi;
  readonly maker: Maker;
  readonly cast: readonly Role[];
  /** chooses what varies; never keys or nonces */
  readonly seed: string;
  /** who the terminals belong to, for whoever follows the events */
  readonly operator: string;
  readonly tell: Tell;
  readonly log: AgentLog;
  readonly stopping: AbortSignal;
  /** wall clock, milliseconds since 1970 */
  readonly now: () => number;
  /** how `mtm-agent` is started as a process */
  readonly command: readonly [program: string, ...args: string[]];
}

const ENTER_AT_ONCE = 12;
const JITTER_MS = 250;
const BACK_OFF: BackOff = { firstMs: 400, mostMs: 4000 };

/** Plays a fleet until it is stopped; when this resolves every terminal is off and nothing is left on disk. */
export async function playFleet(options: FleetOptions): Promise<void> {
  const { api, cast, operator, tell, stopping } = options;
  setMaxListeners(0, stopping);
  const directory = await mkdtemp(join(tmpdir(), 'mtm-fleet-'));
  const terminals: SimulatedTerminal[] = [];
  try {
    for (const role of cast) tell(announcement(role, operator));
    tell({ event: 'cast', terminals: cast.length });
    const site = await openSite(options, directory);
    await Promise.all(cast.map((role) => playRole(role, site, options, terminals)));
    await ended(stopping);
  } finally {
    await Promise.all(terminals.map((one) => one.stop()));
    api.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The old release was allowed once: its manifest came first, and was replaced. */
async function openSite(options: FleetOptions, directory: string): Promise<Site> {
  const { api, maker, command, stopping } = options;
  const sequence = await api.sequenceOf(FLEET_MODEL);
  const firmware = await Firmware.build(join(directory, 'fw'), maker, sequence);
  if (sequence === 0) await api.publish(firmware.old().manifest);
  await api.publish(firmware.present().manifest);
  const turnstile = new Turnstile(ENTER_AT_ONCE);
  let next: Promise<Shipment> | undefined;
  return {
    api,
    firmware,
    directory,
    stopping,
    command,
    enter: (work) => turnstile.pass(work),
    nextRelease: () => {
      next ??= publishNext(api, firmware);
      return next;
    },
  };
}

async function publishNext(api: VerifierApi, firmware: Firmware): Promise<Shipment> {
  const shipment = firmware.next();
  await api.publish(shipment.manifest);
  return shipment;
}

async function playRole(
  { id, scenario }: Role,
  site: Site,
  options: FleetOptions,
  terminals: SimulatedTerminal[],
): Promise<void> {
  const { tell, now, stopping, log } = options;
  const random = new SeededRandom(options.seed, id);
  const stage: Stage = {
    id,
    site,
    random,
    terminal: (parts) => {
      const slots = site.firmware.sharedSlots;
      const terminal = new SimulatedTerminal({ id, slots, log, backOff: BACK_OFF, stopping, ...parts });
      terminals.push(terminal);
      return terminal;
    },
    step: (name) => tell({ event: 'step', id, name, at: now() }),
    attack: () => tell({ event: 'attack', id, at: now() }),
    lastStep: () => tell({ event: 'last-step', id, at: now() }),
    check: (name, ok) => tell({ event: 'check', id, name, ok }),
  };
  try {
    await delay(random.below(JITTER_MS), undefined, { signal: stopping });
    await scenario.play(stage);
  } catch (error) {
    if (stopping.aborted) return;
    log.warn(
      { terminal: id, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      'failed',
    );
    stage.check('the scenario was played to its end', false);
    stage.lastStep();
  }
}

function ended(stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return Promise.resolve();
  return new Promise((resolve) => stopping.addEventListener('abort', () => resolve(), { once: true }));
}
