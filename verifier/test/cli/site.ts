import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialise } from '../../src/cli/init.ts';
import { BackgroundVerifier } from './command.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A directory as `init` leaves it, and the daemon in a process of its own where one was started. */
export class Site {
  readonly directory: string;
  readonly config: string;
  #daemon: BackgroundVerifier | undefined;
  #apiUrl = '';

  private constructor(directory: string) {
    this.directory = directory;
    this.config = join(directory, 'verifier.toml');
  }

  static async prepare(): Promise<Site> {
    const directory = mkdtempSync(join(tmpdir(), 'mtm-cli-'));
    await initialise({
      directory,
      hosts: ['localhost', '127.0.0.1'],
      operator: 'operator',
      audience: 'verifier',
      listenHost: '127.0.0.1',
      listenPort: 0,
      apiPort: 0,
      now: Date.now(),
    });
    return new Site(directory);
  }

  get daemon(): BackgroundVerifier {
    if (this.#daemon === undefined) throw new RangeError('not started');
    return this.#daemon;
  }

  /** What the daemon gave as its API, for `--api`: the configuration says port 0. */
  get apiUrl(): string {
    return this.#apiUrl;
  }

  async serve(...settings: readonly string[]): Promise<void> {
    const set = settings.flatMap((setting) => ['--set', setting]);
    this.#daemon = new BackgroundVerifier(['serve', '--config', this.config, '--json', ...set]);
    const { apiUrl } = JSON.parse(await this.#daemon.firstLine()) as { readonly apiUrl: string };
    this.#apiUrl = apiUrl;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), 'utf8').trim();
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const options = { headers, ca: this.text('server-chain.pem'), agent: false } as const;
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.#apiUrl), options, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, text });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  bearer(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.text('api-token')}` };
  }

  async remove(): Promise<void> {
    await this.#daemon?.kill();
    rmSync(this.directory, { recursive: true });
  }
}
