import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const RUN = ['--import', import.meta.resolve('tsx'), '--conditions=mtm-source', MAIN];

/** Runs `mtm-verifier` from its sources to its end, without a configuration from the environment. */
export function mtmVerifier(args: readonly string[], environment: Environment = {}): Ended {
  return spawnSync(process.execPath, [...RUN, ...args], { encoding: 'utf8', env: { ...bare(), ...environment } });
}

/** `mtm-verifier` in the background. */
export class BackgroundVerifier {
  readonly #process: ChildProcess;
  readonly #ended: Promise<Ended>;
  readonly #firstLine: Promise<string>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[]) {
    this.#process = spawn(process.execPath, [...RUN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: bare() });
    this.#ended = new Promise((resolve) => {
      this.#process.once('close', (status) => resolve({ status, stdout: this.#stdout, stderr: this.#stderr }));
    });
    this.#firstLine = new Promise((resolve, reject) => {
      this.#process.stdout?.on('data', (chunk: Buffer) => {
        this.#stdout += chunk.toString('utf8');
        const end = this.#stdout.indexOf('\n');
        if (end >= 0) resolve(this.#stdout.slice(0, end));
      });
      this.#process.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString('utf8')));
      void this.#ended.then(({ status, stderr }) => {
        reject(new RangeError(`ended with ${String(status)}: ${stderr}`));
      });
    });
    this.#firstLine.catch(() => undefined);
  }

  /** The first line of standard output. @throws RangeError with what was said instead, where the process ends without one */
  firstLine(): Promise<string> {
    return this.#firstLine;
  }

  /** Everything said so far. */
  get said(): string {
    return this.#stdout + this.#stderr;
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void {
    this.#process.kill(name);
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** For a test that failed half way; does nothing where it has ended. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

/** One line that is JSON, as `--json` promises. */
export function documentOf(stdout: string): Readonly<Record<string, unknown>> {
  const [line = '', ...rest] = stdout.split('\n');
  if (rest.join('') !== '') throw new RangeError(`more than one line: ${stdout}`);
  return JSON.parse(line) as Readonly<Record<string, unknown>>;
}

function bare(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MTM_')));
}
