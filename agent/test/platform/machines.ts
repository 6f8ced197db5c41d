import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TerminalDisk } from '../../src/fleet/power.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import { openSoftOnDisk } from '../../src/platform/soft/open-soft.ts';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';
import { type StartedTre, startTre } from '../../src/platform/soft/start-tre.ts';
import { swtpmIsInstalled } from '../tpm2/swtpm.ts';
import { SwtpmMachine } from './tpm2/swtpm-machine.ts';

/** How `mtm-agent` runs from its sources. */
export const COMMAND: readonly [string, ...string[]] = [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=mtm-source',
  fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
];

/** A terminal's platform, and the power it runs on. */
export interface Machine {
  powerOn(): Promise<TrustedPlatform>;
  /** Orderly. */
  powerOff(): Promise<void>;
  powerCut(): Promise<void>;
  remove(): Promise<void>;
}

class MemoryMachine implements Machine {
  readonly #disk = new TerminalDisk();
  #platform: TrustedPlatform | undefined;

  async powerOn(): Promise<TrustedPlatform> {
    this.#platform = await this.#disk.powerOn();
    return this.#platform;
  }

  async powerOff(): Promise<void> {
    await this.#platform?.close();
  }

  async powerCut(): Promise<void> {
    this.#platform = undefined;
  }

  remove(): Promise<void> {
    return this.powerCut();
  }
}

class DiskMachine implements Machine {
  readonly #root = mkdtempSync(join(tmpdir(), 'mtm-machine-'));
  #open: Awaited<ReturnType<typeof openSoftOnDisk>> | undefined;

  async powerOn(): Promise<TrustedPlatform> {
    this.#open = await openSoftOnDisk({ directory: join(this.#root, 'tre'), counter: join(this.#root, 'counter') });
    return this.#open.platform;
  }

  async powerOff(): Promise<void> {
    await this.#open?.close();
  }

  async powerCut(): Promise<void> {
    this.#open?.claim.release();
  }

  async remove(): Promise<void> {
    await this.powerCut();
    rmSync(this.#root, { recursive: true });
  }
}

/** The TrE as a process, and a connection to it. */
export class ProcessMachine implements Machine {
  readonly root: string = mkdtempSync(join(tmpdir(), 'mtm-machine-'));
  readonly directory: string = join(this.root, 'tre');
  #tre: StartedTre | undefined;
  #client: RemotePlatform | undefined;

  async powerOn(): Promise<RemotePlatform> {
    this.#tre = await startTre({ directory: this.directory, command: COMMAND, bound: true });
    return this.connect();
  }

  /** The agent that comes next. */
  async connect(): Promise<RemotePlatform> {
    await this.#client?.close();
    this.#client = await RemotePlatform.connect(this.directory, { role: 'agent' });
    return this.#client;
  }

  async powerOff(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async powerCut(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async remove(): Promise<void> {
    await this.powerCut();
    rmSync(this.root, { recursive: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    await this.#tre?.kill(signal);
    await this.#client?.close();
    this.#tre = undefined;
    this.#client = undefined;
  }
}

export interface MachineKind {
  readonly name: string;
  readonly make: () => Machine;
  /** whether what it needs is installed */
  readonly isThere?: () => boolean;
}

export const MACHINES: readonly MachineKind[] = [
  { name: 'soft, in this process, state in memory', make: () => new MemoryMachine() },
  { name: 'soft, in this process, state on disk', make: () => new DiskMachine() },
  { name: 'soft, in a process of its own', make: () => new ProcessMachine() },
  { name: 'tpm2, an emulator', make: () => new SwtpmMachine(), isThere: swtpmIsInstalled },
];
