import { type ChildProcess, spawn } from 'node:child_process';

const KEPT = 4000;

/** A process of which CPU time and memory are measured from outside; it says on standard output, in one line, that it is ready. */
export class MeasuredProcess {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess, pid: number) {
    this.#process = child;
    this.pid = pid;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    const kill = (): boolean => child.kill();
    process.once('exit', kill);
    void this.#ended.then(() => process.off('exit', kill));
  }

  /** Node with these arguments. */
  static start(args: readonly string[]): MeasuredProcess {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid === undefined) throw new RangeError('not started');
    return new MeasuredProcess(child, child.pid);
  }

  /** @throws RangeError with what it said on standard error where it ends first */
  firstLine(): Promise<string> {
    let line = '';
    let said = '';
    this.#process.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-KEPT)));
    return new Promise((resolve, reject) => {
      this.#process.stdout?.on('data', (chunk: Buffer) => {
        line += chunk.toString('utf8');
        if (line.includes('\n')) resolve(line.slice(0, line.indexOf('\n')));
      });
      void this.#ended.then(() => reject(new RangeError(`ended: ${said}`)));
    });
  }

  ended(): Promise<void> {
    return this.#ended;
  }

  /** SIGTERM, and its orderly end. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.#ended;
  }
}
