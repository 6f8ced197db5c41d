import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReferenceComponent } from '@mtm-attest/protocol';
import { initialise } from '../src/cli/init.ts';
import { signManifest } from '../src/reference/sign-manifest.ts';
import { MeasuredProcess } from './measured-process.ts';

const COMMAND = fileURLToPath(new URL('../bin/mtm-verifier.js', import.meta.url));
const MODEL = 'model-1';
const COMPONENTS = [
  { name: 'app.bin', pcr: 10, phase: 'boot' },
  { name: 'kernel.bin', pcr: 4, phase: 'boot' },
  { name: 'tre.bin', pcr: 0, phase: 'boot' },
] as const;
const COMPONENT_REPEATS = 1000;
/** Nobody is audited by the clock: a benchmark asks itself. */
const SETTINGS = [
  'audit.intervalMs=2592000000',
  'log.level=warn',
  'limits.messagesPerSecond=1000000',
  'limits.messageBurst=1000000',
];

/**
 * Slots with a release that is installed in one of them.
 * @param count of its components
 * @returns its manifest, signed
 */
export function installRelease(slots: string, key: KeyObject, count: number = COMPONENTS.length): Uint8Array {
  const files = join(slots, 'a', 'files');
  mkdirSync(files, { recursive: true });
  const components = COMPONENTS.slice(0, count).map((part): ReferenceComponent => {
    const bytes = Buffer.from(part.name.repeat(COMPONENT_REPEATS));
    writeFileSync(join(files, part.name), bytes);
    return { ...part, digest: new Uint8Array(createHash('sha256').update(bytes).digest()) };
  });
  const releases = [{ release: 1, version: '1.0', components }];
  const manifest = signManifest({ issuer: 'maker', model: MODEL, sequence: 1, minimum: 1, releases }, [key]);
  writeFileSync(join(slots, 'a', 'manifest.bin'), manifest);
  writeFileSync(join(slots, 'a', 'release.json'), '{"release": 1}');
  writeFileSync(join(slots, 'boot'), 'a');
  return manifest;
}

/** A verifier daemon as a process of its own, as it is delivered, with everything it needs in a directory of its own. */
export class Site {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-bench-'));
  readonly slots: string = join(this.directory, 'slots');
  readonly #connections = new Agent({ keepAlive: true });
  #daemon: MeasuredProcess | undefined;
  #apiUrl = '';
  #listenUrl = '';

  private constructor() {}

  /** @param settings `key=value`, above those that every benchmark has */
  static async start(settings: readonly string[] = []): Promise<Site> {
    const site = new Site();
    await initialise({
      directory: site.#verifier,
      hosts: ['localhost', '127.0.0.1'],
      operator: 'operator',
      audience: 'verifier',
      listenHost: '127.0.0.1',
      listenPort: 0,
      apiPort: 0,
      now: Date.now(),
    });
    await site.startDaemon(settings);
    const key = createPrivateKey(readFileSync(join(site.#verifier, 'manifest-key.pem')));
    await site.api('POST', '/v1/manifests', installRelease(site.slots, key));
    return site;
  }

  get pid(): number {
    if (this.#daemon === undefined) throw new RangeError('not started');
    return this.#daemon.pid;
  }

  /** wss address of the daemon that runs now */
  get url(): string {
    return this.#listenUrl;
  }

  /** PEM files of the server's certificate: whoever else serves may use them. */
  get certificate(): { readonly chain: string; readonly key: string } {
    return { chain: join(this.#verifier, 'server-chain.pem'), key: join(this.#verifier, 'server-key.pem') };
  }

  async startDaemon(settings: readonly string[] = []): Promise<void> {
    const set = [...SETTINGS, ...settings].flatMap((setting) => ['--set', setting]);
    const config = join(this.#verifier, 'verifier.toml');
    this.#daemon = MeasuredProcess.start([COMMAND, 'serve', '--config', config, '--json', ...set]);
    const line = await this.#daemon.firstLine();
    const { listenUrl, apiUrl } = JSON.parse(line) as Readonly<Record<string, string>>;
    if (listenUrl === undefined || apiUrl === undefined) throw new RangeError(line);
    this.#apiUrl = apiUrl;
    this.#listenUrl = listenUrl.replace('127.0.0.1', 'localhost');
  }

  /** A new process under the same address, as terminals know it. */
  async restartDaemon(settings: readonly string[] = []): Promise<void> {
    const { port } = new URL(this.#listenUrl);
    await this.stopDaemon();
    await this.startDaemon([...settings, `listen.port=${port}`]);
  }

  async stopDaemon(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async token(terminal: string, kind: 'simulated' | 'software' = 'simulated'): Promise<string> {
    const { token } = (await this.api('POST', '/v1/tokens', { terminal, class: kind, model: MODEL })) as {
      readonly token: string;
    };
    return token;
  }

  async stop(): Promise<void> {
    await this.stopDaemon();
    this.#connections.destroy();
    rmSync(this.directory, { recursive: true });
  }

  async api(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<unknown> {
    return JSON.parse(await this.#ask(method, path, body));
  }

  /** One value of the daemon's own metrics. */
  async metric(name: string): Promise<number> {
    const text = await this.#ask('GET', '/metrics');
    const line = text.split('\n').find((one) => one.startsWith(`mtm_verifier_${name} `));
    return Number(line?.split(' ')[1]);
  }

  /** @throws RangeError for an answer that is no success */
  #ask(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<string> {
    const isBytes = body instanceof Uint8Array;
    const headers = {
      authorization: `Bearer ${readFileSync(join(this.#verifier, 'api-token'), 'utf8').trim()}`,
      ...(body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
    };
    const ca = readFileSync(this.certificate.chain, 'utf8');
    const options = { method, headers, ca, agent: this.#connections };
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.#apiUrl), options, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 300) resolve(text);
          else reject(new RangeError(`${path}: ${text}`));
        });
      });
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : isBytes ? Buffer.from(body) : JSON.stringify(body));
    });
  }

  get #verifier(): string {
    return join(this.directory, 'verifier');
  }
}
