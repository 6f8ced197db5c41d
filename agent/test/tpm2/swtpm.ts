import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { TpmClient } from '../../src/tpm2/client.ts';
import { SHUTDOWN, STARTUP_COMMAND } from '../../src/tpm2/command/machine.ts';
import { STARTUP } from '../../src/tpm2/constants.ts';
import { openTransport, parseTpmAddress } from '../../src/tpm2/transport/address.ts';
import type { Transport } from '../../src/tpm2/transport/transport.ts';

const ATTEMPTS = 500;
const BETWEEN_ATTEMPTS_MS = 10;
const TIMEOUT_MS = 20_000;
const CONTROL = { INIT: 2, SHUTDOWN: 3 } as const;

export function swtpmIsInstalled(): boolean {
  return isInstalled('swtpm');
}

export function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export type BootKind = 'reset' | 'restart' | 'resume' | 'power-cut';

/** A TPM emulator in a private directory, over UNIX sockets, and the machine's power switch. */
export class Swtpm {
  readonly directory: string;
  #child: ChildProcess | undefined;
  readonly #clients: TpmClient[] = [];

  constructor(directory: string = mkdtempSync(join(tmpdir(), 'mtm-swtpm-'))) {
    this.directory = directory;
  }

  /** Started: powered, and TPM2_Startup(CLEAR) was sent. */
  static async started(): Promise<Swtpm> {
    const tpm = new Swtpm();
    await tpm.powerOn();
    return tpm;
  }

  get address(): string {
    return `swtpm:unix:${join(this.directory, 'tpm')}`;
  }

  /** For tpm2-tools. */
  get tcti(): string {
    return `swtpm:path=${join(this.directory, 'tpm')}`;
  }

  async powerOn(startup: number | 'none' = STARTUP.CLEAR): Promise<void> {
    const running = this.#child;
    if (running === undefined) {
      const [data, control] = [join(this.directory, 'tpm'), join(this.directory, 'tpm.ctrl')];
      const child = spawn(
        'swtpm',
        [
          ...['socket', '--tpm2', '--tpmstate', `dir=${this.directory}`],
          ...['--server', `type=unixio,path=${data}`, '--ctrl', `type=unixio,path=${control}`],
        ],
        { stdio: 'ignore' },
      );
      this.#child = child;
      await this.#listening(control, child);
    }
    await this.#control(CONTROL.INIT, Uint8Array.of(0, 0, 0, 0));
    if (startup !== 'none') await this.once((tpm) => tpm.run(STARTUP_COMMAND, { parameters: { type: startup } }));
  }

  /** The machine boots again, as Part 1, 12.2.3 tells the kinds apart. */
  async reboot(kind: BootKind, startup = true): Promise<void> {
    if (kind === 'power-cut') await this.kill();
    else await this.shutdown(kind === 'reset' ? STARTUP.CLEAR : STARTUP.STATE);
    const type = kind === 'resume' ? STARTUP.STATE : STARTUP.CLEAR;
    await this.powerOn(startup ? type : 'none');
  }

  /** What an operating system does before the power goes. */
  async shutdown(type: number): Promise<void> {
    await this.once((tpm) => tpm.run(SHUTDOWN, { parameters: { type } }));
  }

  /** @param wrap what tests put around the transport */
  async client(wrap: (transport: Transport) => Transport = (transport) => transport): Promise<TpmClient> {
    const transport = await openTransport(parseTpmAddress(this.address), TIMEOUT_MS);
    const client = testClient(wrap(transport));
    this.#clients.push(client);
    return client;
  }

  async once<T>(use: (client: TpmClient) => Promise<T>): Promise<T> {
    const client = await this.client();
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  /** One of tpm2-tools, among the emulator's files. No client may hold the emulator then. */
  tool(command: string, ...args: readonly string[]): string {
    const env = { ...process.env, TPM2TOOLS_TCTI: this.tcti, TSS2_LOG: 'all+NONE' };
    return execFileSync(command, args, {
      cwd: this.directory,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
  }

  read(file: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.directory, file)));
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #control(code: number, body: Uint8Array): Promise<void> {
    const socket = connect(join(this.directory, 'tpm.ctrl'));
    await once(socket, 'connect');
    socket.write(Uint8Array.of(0, 0, 0, code, ...body));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    if (answer.readUInt32BE() !== 0) throw new RangeError(`control command ${code}: ${answer.toString('hex')}`);
  }

  async #listening(path: string, child: ChildProcess): Promise<void> {
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
}

function testClient(transport: Transport): TpmClient {
  return new TpmClient({
    transport,
    random: (length) => new Uint8Array(randomBytes(length)),
    wait: async (ms) => {
      await setTimeout(ms);
    },
    timeoutMs: TIMEOUT_MS,
    slowMs: TIMEOUT_MS,
  });
}
