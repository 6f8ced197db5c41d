import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const SWTPM = 'swtpm';
/** Checks a quote without a TPM. */
export const CHECKQUOTE = 'tpm2_checkquote';

const ATTEMPTS = 500;
const BETWEEN_ATTEMPTS_MS = 10;
/** Command of the control channel, with no flags. */
const INIT = Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0);

/** Whether swtpm and tpm2-tools are on this machine. */
export function emulatorIsInstalled(): boolean {
  return isInstalled(SWTPM) && toolsAreInstalled();
}

export function toolsAreInstalled(): boolean {
  return isInstalled(CHECKQUOTE);
}

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A TPM emulator and tpm2-tools to drive it, over sockets in a directory of its own. */
export class Emulator {
  readonly directory: string;
  readonly #child: ChildProcess;

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory;
    this.#child = child;
  }

  static async start(): Promise<Emulator> {
    const directory = mkdtempSync(join(tmpdir(), 'mtm-tpm-'));
    const [data, control] = [join(directory, 'tpm'), join(directory, 'tpm.ctrl')];
    const options = [
      ['--tpmstate', `dir=${directory}`],
      ['--server', `type=unixio,path=${data}`],
      ['--ctrl', `type=unixio,path=${control}`],
      ['--flags', 'not-need-init,startup-clear'],
    ];
    const child = spawn(SWTPM, ['socket', '--tpm2', ...options.flat()], { stdio: 'ignore' });
    await listening(control, child);
    return new Emulator(directory, child);
  }

  /** Runs one of tpm2-tools among the emulator's files, then frees the objects that it left behind. */
  run(command: string, ...args: readonly string[]): void {
    const env = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${join(this.directory, 'tpm')}`, TSS2_LOG: 'all+NONE' };
    for (const [name, ...options] of [
      [command, ...args],
      ['tpm2_flushcontext', '-t'],
    ] as const) {
      execFileSync(name, options, { cwd: this.directory, env, stdio: ['ignore', 'ignore', 'pipe'] });
    }
  }

  read(file: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.directory, file)));
  }

  /** The power goes and comes back; nobody has started the TPM yet. */
  async powerCycle(): Promise<void> {
    const socket = connect(join(this.directory, 'tpm.ctrl'));
    await once(socket, 'connect');
    socket.write(INIT);
    await once(socket, 'data');
    socket.destroy();
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill();
      await ended;
    }
    rmSync(this.directory, { recursive: true });
  }
}

async function listening(path: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS && child.exitCode === null; attempt++) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await setTimeout(BETWEEN_ATTEMPTS_MS);
    } finally {
      socket.destroy();
    }
  }
  throw new RangeError('swtpm does not start');
}
