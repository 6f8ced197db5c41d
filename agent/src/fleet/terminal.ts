import type { Message } from '@mtm-attest/protocol';
import { type Agent, createAgent } from '../agent.ts';
import { AgentError } from '../error.ts';
import type { AgentLog } from '../log.ts';
import type { TrustedPlatform } from '../platform/platform.ts';
import type { BackOff } from '../session/back-off.ts';
import { dial } from '../session/dial.ts';
import { TerminalDisk } from './power.ts';
import { Wire } from './wire/wire.ts';

/** What a simulated terminal is made of. */
export interface TerminalParts {
  readonly id: string;
  readonly slots: string;
  readonly log: AgentLog;
  readonly backOff: BackOff;
  readonly stopping: AbortSignal;
  readonly disk?: TerminalDisk;
  /** what stands between the agent and its platform; nothing unless given */
  readonly lie?: (genuine: TrustedPlatform) => Promise<TrustedPlatform>;
}

interface Waiting {
  readonly wanted: (result: Message<'result'>) => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const ANY = (): boolean => true;
const RESULTS_KEPT = 64;

/**
 * One terminal of a fleet: an agent like any other over a platform that signs every nonce, with its disk in memory and its firmware in real files.
 * Nothing in the agent knows of the simulation.
 */
export class SimulatedTerminal {
  readonly id: string;
  readonly slots: string;
  readonly wire: Wire = new Wire(dial);
  disk: TerminalDisk;
  readonly #parts: TerminalParts;
  #agent: Agent | undefined;
  #failure: unknown;
  #waiting: Waiting[] = [];

  constructor(parts: TerminalParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.slots = parts.slots;
    this.disk = parts.disk ?? new TerminalDisk();
    parts.stopping.addEventListener('abort', () => this.#fail(parts.stopping.reason), { once: true });
  }

  /** @throws RangeError where it is switched off */
  get agent(): Agent {
    if (this.#agent === undefined) throw new RangeError(`${this.id} is switched off`);
    return this.#agent;
  }

  /** Power on, and the measured boot. */
  async boot(): Promise<void> {
    const { lie, slots, log, backOff } = this.#parts;
    const genuine = await this.disk.powerOn();
    this.#agent = await createAgent({
      platform: lie === undefined ? genuine : await lie(genuine),
      files: this.disk.agent,
      slots,
      log,
      backOff,
      dial: this.wire.dial,
      resultsKept: RESULTS_KEPT,
      onResult: (result) => this.#received(result),
    });
  }

  /** Connects and answers from now on. */
  run(): void {
    this.agent.run().catch((error: unknown) => this.#fail(error));
  }

  /** Orderly power off. */
  async stop(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.stop();
  }

  /** Orderly power off and on, and the agent runs again. */
  async reboot(): Promise<void> {
    await this.stop();
    await this.boot();
    this.run();
  }

  /** Resolves once so many more results have come that are wanted; may be asked for before anybody waits. */
  results(count = 1, wanted: Waiting['wanted'] = ANY): Promise<void> {
    const all = this.#nextResults(count, wanted);
    all.catch(() => undefined);
    return all;
  }

  async #nextResults(count: number, wanted: Waiting['wanted']): Promise<void> {
    for (let i = 0; i < count; i++) await this.#nextResult(wanted);
  }

  #nextResult(wanted: Waiting['wanted']): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ wanted, resolve, reject });
    });
  }

  #received(result: Message<'result'>): void {
    const met = this.#waiting.filter(({ wanted }) => wanted(result));
    this.#waiting = this.#waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve();
  }

  #fail(reason: unknown): void {
    this.#failure = reason;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(reason);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new AgentError('agent.malfunction', String(reason));
}
