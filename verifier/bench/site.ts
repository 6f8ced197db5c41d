import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installRelease, MODEL } from '../test/support/release.ts';
import { VerifierSite } from '../test/support/verifier-site.ts';
import { MeasuredProcess } from './measured-process.ts';

const COMMAND = fileURLToPath(new URL('../bin/mtm-verifier.js', import.meta.url));
/** Nobody is audited by the clock: a benchmark asks itself. */
const SETTINGS = [
  'audit.intervalMs=2592000000',
  'log.level=warn',
  'limits.messagesPerSecond=1000000',
  'limits.messageBurst=1000000',
];

/** A verifier daemon as a process of its own, as it is delivered, with everything it needs in a directory of its own. */
export class Site {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-bench-'));
  readonly slots: string = join(this.directory, 'slots');
  readonly #site: VerifierSite = new VerifierSite(join(this.directory, 'verifier'));
  #daemon: MeasuredProcess | undefined;

  private constructor() {}

  /** @param settings `key=value`, above those that every benchmark has */
  static async start(settings: readonly string[] = []): Promise<Site> {
    const site = new Site();
    await site.#site.initialise();
    await site.startDaemon(settings);
    const key = createPrivateKey(site.#site.text('manifest-key.pem'));
    await site.api('POST', '/v1/manifests', installRelease(site.slots, key));
    return site;
  }

  get pid(): number {
    if (this.#daemon === undefined) throw new RangeError('not started');
    return this.#daemon.pid;
  }

  /** wss address of the daemon that runs now */
  get url(): string {
    return this.#site.listenUrl.replace('127.0.0.1', 'localhost');
  }

  /** PEM files of the server's certificate: whoever else serves may use them. */
  get certificate(): { readonly chain: string; readonly key: string } {
    return { chain: this.#site.path('server-chain.pem'), key: this.#site.path('server-key.pem') };
  }

  async startDaemon(settings: readonly string[] = []): Promise<void> {
    this.#daemon = MeasuredProcess.start([COMMAND, ...this.#site.serving([...SETTINGS, ...settings])]);
    this.#site.listens(await this.#daemon.firstLine());
  }

  /** A new process under the same address, as terminals know it. */
  async restartDaemon(settings: readonly string[] = []): Promise<void> {
    const { port } = new URL(this.url);
    await this.stopDaemon();
    await this.startDaemon([...settings, `listen.port=${port}`]);
  }

  async stopDaemon(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  token(terminal: string, kind: 'simulated' | 'software' = 'simulated'): Promise<string> {
    return this.#site.token(terminal, kind, MODEL);
  }

  async stop(): Promise<void> {
    await this.stopDaemon();
    this.#site.disconnect();
    rmSync(this.directory, { recursive: true });
  }

  api(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<unknown> {
    return this.#site.api(method, path, body);
  }

  /** One value of the daemon's own metrics. */
  async metric(name: string): Promise<number> {
    const { text } = await this.#site.ask('GET', '/metrics');
    const line = text.split('\n').find((one) => one.startsWith(`mtm_verifier_${name} `));
    return Number(line?.split(' ')[1]);
  }
}
