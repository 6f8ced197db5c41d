import { randomBytes } from 'node:crypto';
import {
  type Agent,
  createAgent,
  type Dial,
  dial,
  MemoryFiles,
  Secret,
  SoftPlatform,
  StateFile,
} from '@mtm-attest/agent';
import type { Message } from '@mtm-attest/protocol';

const RESULTS_KEPT = 16;
const DEVICE_KEY_BYTES = 32;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** An agent over a platform that signs every nonce; its disk is memory, its firmware real files. */
export class SimulatedTerminal {
  readonly id: string;
  readonly #slots: string;
  readonly #dial: Dial;
  readonly #files = new MemoryFiles();
  readonly #state = new StateFile(new MemoryFiles(), new Secret(random(DEVICE_KEY_BYTES)), random);
  #platform: SoftPlatform | undefined;
  #agent: Agent | undefined;
  #results = 0;
  #waiting: (() => void) | undefined;

  constructor(id: string, slots: string, connect: Dial = dial) {
    this.id = id;
    this.#slots = slots;
    this.#dial = connect;
  }

  get results(): number {
    return this.#results;
  }

  async boot(): Promise<void> {
    const now = (): number => performance.now();
    this.#platform ??= await SoftPlatform.start({ state: this.#state, protection: 'memory', now, random });
    this.#agent = await createAgent({
      platform: this.#platform,
      files: this.#files,
      slots: this.#slots,
      resultsKept: RESULTS_KEPT,
      dial: this.#dial,
      onResult: (result) => this.#received(result),
    });
  }

  async enrol(token: string): Promise<void> {
    await this.#agent?.enrol(token);
  }

  /** Resolves with its first result over this connection. */
  async connect(): Promise<void> {
    const first = this.nextResult();
    this.#agent?.run().catch((error: unknown) => {
      process.stderr.write(`${this.id}: ${String(error)}\n`);
      process.exitCode = 1;
    });
    await first;
  }

  nextResult(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** The connection ends, the platform keeps its power; `boot` again before the next connection. */
  async disconnect(): Promise<void> {
    await this.#agent?.disconnect();
  }

  #received({ verdict }: Message<'result'>): void {
    if (verdict !== 'trusted') throw new RangeError(`${this.id} is ${verdict}`);
    this.#results += 1;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

const AT_ONCE = 16;

/** Does the same with many terminals, so many at once. */
export async function forEachTerminal(
  terminals: readonly SimulatedTerminal[],
  work: (terminal: SimulatedTerminal) => Promise<void>,
): Promise<void> {
  const waiting = terminals.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const terminal of waiting) await work(terminal);
    }),
  );
}
