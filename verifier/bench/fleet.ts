import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Site } from './site.ts';

const PROGRAM = fileURLToPath(new URL('fleet-process.ts', import.meta.url));

/** What the fleet's process is told; it answers each order with a number, one after the other. */
export type FleetOrder =
  | {
      readonly order: 'enrol';
      readonly slots: string;
      readonly tokens: readonly (readonly [id: string, token: string])[];
    }
  | { readonly order: 'connect'; readonly from: number; readonly to: number }
  | { readonly order: 'disconnect' }
  | { readonly order: 'wave'; readonly size: number }
  | { readonly order: 'count' };

/** Terminals in a process of their own. */
export class Fleet {
  readonly #process: ChildProcess = fork(PROGRAM);

  /** @returns once so many terminals are enrolled; none of them is connected */
  static async enrol(site: Site, count: number): Promise<Fleet> {
    const fleet = new Fleet();
    const tokens: [string, string][] = [];
    for (let i = 0; i < count; i++) {
      const id = `t-${String(i).padStart(4, '0')}`;
      tokens.push([id, await site.token(id)]);
    }
    await fleet.#tell({ order: 'enrol', slots: site.slots, tokens });
    return fleet;
  }

  /** Resolves once those terminals have had a result over their new connections. */
  async connect(from: number, to: number): Promise<void> {
    await this.#tell({ order: 'connect', from, to });
  }

  async disconnect(): Promise<void> {
    await this.#tell({ order: 'disconnect' });
  }

  /** From now on evidence goes in waves of so many terminals; 1: as it comes. */
  async wave(size: number): Promise<void> {
    await this.#tell({ order: 'wave', size });
  }

  /** Results that all of them received since they were enrolled. */
  results(): Promise<number> {
    return this.#tell({ order: 'count' });
  }

  async stop(): Promise<void> {
    if (!this.#process.connected) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
  }

  #tell(order: FleetOrder): Promise<number> {
    return new Promise((resolve, reject) => {
      const gone = (code: number | null): void => reject(new RangeError(`the fleet ended with ${String(code)}`));
      this.#process.once('close', gone);
      this.#process.once('message', (answer: number) => {
        this.#process.removeListener('close', gone);
        resolve(answer);
      });
      this.#process.send(order);
    });
  }
}
