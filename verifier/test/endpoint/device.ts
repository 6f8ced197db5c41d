import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type Agent,
  type AgentOptions,
  createAgent,
  MemoryFiles,
  Secret,
  SoftPlatform,
  StateFile,
} from '@mtm-attest/agent';
import type { Manifest, Message, ReferenceComponent, Release } from '@mtm-attest/protocol';
import { utf8 } from '@mtm-attest/protocol';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A component of the firmware as its maker describes it. */
type Part = Omit<ReferenceComponent, 'digest'>;

export const PARTS: readonly Part[] = [
  { name: 'app/main.bin', pcr: 10, phase: 'boot' },
  { name: 'boot.bin', pcr: 4, phase: 'boot' },
  { name: 'tre.bin', pcr: 0, phase: 'boot' },
  { name: 'usim.bin', pcr: 12, phase: 'runtime' },
  { name: 'wifi.bin', pcr: 12, phase: 'runtime' },
];

/** Results in the order in which an agent received them. */
class Results {
  readonly #results: Message<'result'>[] = [];
  #wake: () => void = () => undefined;

  readonly add = (result: Message<'result'>): void => {
    this.#results.push(result);
    this.#wake();
  };

  async next(): Promise<Message<'result'>> {
    for (;;) {
      const result = this.#results.shift();
      if (result !== undefined) return result;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A device with real files in its slots and a soft TrE in this process; the agent on it is the terminal’s own. */
export class Device {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-device-'));
  readonly results = new Results();
  readonly files = new MemoryFiles();
  readonly #tre = new MemoryFiles();
  readonly #key = new Secret(random(32));
  readonly #parts: readonly Part[];
  #agent: Agent | undefined;
  #platform: SoftPlatform | undefined;
  #run: Promise<void> | undefined;

  constructor(parts: readonly Part[] = PARTS) {
    this.#parts = parts;
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error('off');
    return this.#agent;
  }

  path(name: string, slot = 'a'): string {
    return join(this.directory, slot, 'files', name);
  }

  /** Writes a release into a slot, and says what its manifest lists. */
  install(slot: 'a' | 'b', release: number): Release {
    const components = this.#parts.map((part) => {
      const bytes = utf8(`${part.name} of release ${release}`);
      mkdirSync(dirname(this.path(part.name, slot)), { recursive: true });
      writeFileSync(this.path(part.name, slot), bytes);
      return { ...part, digest: new Uint8Array(createHash('sha256').update(bytes).digest()) };
    });
    return { release, version: `${release}.0`, components };
  }

  /** The slot boots next, with the signed manifest it came with. */
  switchTo(slot: 'a' | 'b', release: number, manifest: Uint8Array): void {
    writeFileSync(join(this.directory, slot, 'manifest.bin'), manifest);
    writeFileSync(join(this.directory, slot, 'release.json'), JSON.stringify({ release }));
    writeFileSync(join(this.directory, 'boot'), slot);
  }

  alter(name: string, slot = 'a'): void {
    writeFileSync(this.path(name, slot), 'somebody else’s bytes');
  }

  /** The TrE, past the agent. */
  get platform(): SoftPlatform {
    if (this.#platform === undefined) throw new Error('off');
    return this.#platform;
  }

  /** Power on: the TrE starts, whatever measures before the agent does so, the slot boots. */
  async powerOn(
    options: Partial<AgentOptions> = {},
    measures: (platform: SoftPlatform) => Promise<void> = async () => undefined,
  ): Promise<Agent> {
    const state = new StateFile(this.#tre, this.#key, random);
    const now = (): number => performance.now();
    const platform = await SoftPlatform.start({ state, protection: 'memory', now, random });
    this.#platform = platform;
    await measures(platform);
    this.#agent = await createAgent({
      platform,
      files: this.files,
      slots: this.directory,
      backOff: { firstMs: 10, mostMs: 50 },
      onResult: this.results.add,
      ...options,
    });
    return this.#agent;
  }

  connect(): void {
    this.#run = this.agent.run();
  }

  async powerOff(): Promise<void> {
    await this.#agent?.stop();
    await this.#run;
    this.#agent = undefined;
  }

  async remove(): Promise<void> {
    await this.powerOff();
    rmSync(this.directory, { recursive: true });
  }
}

export function manifestFor(releases: readonly Release[], changes: Partial<Manifest> = {}): Manifest {
  return { issuer: 'maker', model: 'model-1', sequence: 1, minimum: 1, releases, ...changes };
}
