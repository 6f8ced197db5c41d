import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type CommandName = 'verifier' | 'agent';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMPILER = 'node_modules/typescript7/bin/tsc';
const SOURCES = ['verifier/tsconfig.src.json', 'agent/tsconfig.src.json'];
const KEPT = 4000;

/** Brings what the commands run, the packages' dist, up to the sources. @throws RangeError with what the compiler said */
export function buildCommands(): void {
  const { status, stdout } = spawnSync(process.execPath, [COMPILER, '-b', ...SOURCES], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new RangeError(stdout);
}

/** One of our commands as a real process, as users start it. */
export class RunningCommand {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #firstLine: Promise<string>;
  #said = '';

  constructor(name: CommandName, args: readonly string[]) {
    const bin = `${ROOT}${name}/bin/mtm-${name}.js`;
    this.#process = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => this.#process.once('close', resolve));
    let line = '';
    this.#firstLine = new Promise((resolve, reject) => {
      this.#process.stdout?.on('data', (chunk: Buffer) => {
        line += chunk.toString('utf8');
        if (line.includes('\n')) resolve(line.slice(0, line.indexOf('\n')));
      });
      void this.#ended.then((code) => {
        reject(new RangeError(`${name} ${args[0] ?? ''} ended with ${String(code)}: ${this.#said}`));
      });
    });
    this.#firstLine.catch(() => undefined);
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString('utf8')).slice(-KEPT);
    });
  }

  /** The first line of standard output. @throws RangeError with what was said instead, where the process ends without one */
  firstLine(): Promise<string> {
    return this.#firstLine;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The end of what it said on standard error. */
  get said(): string {
    return this.#said;
  }

  signal(name: 'SIGKILL' | 'SIGTERM'): void {
    this.#process.kill(name);
  }

  /** Resolves with the exit code, null after a signal. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended;
  }
}
