import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { TerminalClass } from '@mtm-attest/protocol';
import { initialise } from '../../src/cli/init.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Where a daemon listens, as it says itself. */
export interface Listening {
  readonly listenUrl: string;
  readonly apiUrl: string;
}

type Settings = Partial<Parameters<typeof initialise>[0]>;

/** A directory as `init` leaves it, for a verifier on free ports of this machine, and a client of the daemon that runs from it. */
export class VerifierSite {
  readonly directory: string;
  #connections = new Agent({ keepAlive: true });
  #listening: Listening | undefined;

  /** @param directory of `init` */
  constructor(directory: string) {
    this.directory = directory;
  }

  async initialise(settings: Settings = {}): Promise<void> {
    await initialise({
      directory: this.directory,
      hosts: ['localhost', '127.0.0.1'],
      operator: 'operator',
      audience: 'verifier',
      listenHost: '127.0.0.1',
      listenPort: 0,
      apiPort: 0,
      now: Date.now(),
      ...settings,
    });
  }

  get config(): string {
    return this.path('verifier.toml');
  }

  /** The arguments of `mtm-verifier` that start the daemon. @param settings `key=value` */
  serving(settings: readonly string[]): readonly string[] {
    return ['serve', '--config', this.config, '--json', ...settings.flatMap((setting) => ['--set', setting])];
  }

  /** @param daemon a daemon that runs now, or the line that it said first */
  listens(daemon: Listening | string): void {
    this.#listening = typeof daemon === 'string' ? (JSON.parse(daemon) as Listening) : daemon;
    this.disconnect();
    this.#connections = new Agent({ keepAlive: true });
  }

  get listenUrl(): string {
    return this.#running.listenUrl;
  }

  /** For `--api`: the configuration says port 0. */
  get apiUrl(): string {
    return this.#running.apiUrl;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), 'utf8').trim();
  }

  bearer(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.text('api-token')}` };
  }

  /** What the API answers, whatever it is. */
  ask(
    method: 'GET' | 'POST',
    path: string,
    body?: object | Uint8Array,
    authorization: Readonly<Record<string, string>> = this.bearer(),
  ): Promise<Answer> {
    const isBytes = body instanceof Uint8Array;
    const payload = body === undefined ? undefined : isBytes ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
    const type = { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' };
    const headers = { ...authorization, ...(payload === undefined ? {} : type) };
    const options = { method, headers, ca: this.text('server-chain.pem'), agent: this.#connections };
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.apiUrl), options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      asked.on('error', reject);
      asked.end(payload);
    });
  }

  /** The JSON that the API answers. @throws RangeError for an answer that is no success */
  async api(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<unknown> {
    const { status, text } = await this.ask(method, path, body);
    if (status < 200 || status > 299) throw new RangeError(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text);
  }

  async token(terminal: string, kind: TerminalClass, model: string): Promise<string> {
    const { token } = (await this.api('POST', '/v1/tokens', { terminal, class: kind, model })) as {
      readonly token: string;
    };
    return token;
  }

  /** Lets go of the connections to the API. */
  disconnect(): void {
    this.#connections.destroy();
  }

  get #running(): Listening {
    if (this.#listening === undefined) throw new RangeError('not started');
    return this.#listening;
  }
}
