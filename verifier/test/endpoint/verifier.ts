import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { initialise } from '../../src/cli/init.ts';
import { loadConfig } from '../../src/config/load.ts';
import { assemble } from '../../src/daemon/assemble.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { createLog } from '../../src/daemon/log.ts';
import { signManifest } from '../../src/reference/sign-manifest.ts';

/** The whole daemon, in a directory of its own that `init` made, on free ports. */
export class TestVerifier {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-verifier-'));
  readonly log: string[] = [];
  #settings: readonly string[] = [];
  #daemon: Daemon | undefined;
  #port = 0;

  /** @param settings `key=value`, as on the command line */
  static async start(settings: readonly string[] = []): Promise<TestVerifier> {
    const verifier = new TestVerifier();
    const { directory } = verifier;
    await initialise({
      directory,
      hosts: ['127.0.0.1', 'localhost'],
      operator: 'operator-a',
      audience: 'verifier',
      listenHost: '127.0.0.1',
      listenPort: 0,
      apiPort: 0,
      now: Date.now(),
    });
    verifier.#settings = settings;
    await verifier.begin();
    return verifier;
  }

  /** Starts it, at the port of before where there was one. */
  async begin(): Promise<void> {
    const file = join(this.directory, 'verifier.toml');
    const set = [...this.#settings, `listen.port=${this.#port}`];
    const config = loadConfig({ file, environment: {}, set });
    this.#daemon = await assemble(config, createLog('debug', { write: (line) => this.log.push(line) }));
    this.#port = Number(new URL(this.#daemon.listenUrl.replace('wss', 'https')).port);
  }

  async end(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async remove(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true });
  }

  get listenUrl(): string {
    return this.#running.listenUrl;
  }

  get ca(): string {
    return this.#text('server-chain.pem');
  }

  /** Signed by the manifest key of this verifier. */
  signed(manifest: Manifest): Uint8Array {
    return signManifest(manifest, [createPrivateKey(this.#text('manifest-key.pem'))]);
  }

  async publish(manifest: Manifest): Promise<Uint8Array> {
    const body = this.signed(manifest);
    await this.call('POST', '/v1/manifests', body);
    return body;
  }

  async token(terminal: string, model: string): Promise<string> {
    const { token } = await this.call('POST', '/v1/tokens', { terminal, model, class: 'simulated' });
    return String(token);
  }

  /** Verdict and codes of a terminal now. */
  async verdict(terminal: string): Promise<readonly string[]> {
    const { verdict, reasons } = await this.call('GET', `/v1/terminals/${terminal}`);
    return [String(verdict), ...(reasons as { code: string }[]).map(({ code }) => code)];
  }

  async history(terminal: string): Promise<readonly { verdict: string; code: string | null; purpose?: string }[]> {
    const { history } = await this.call('GET', `/v1/terminals/${terminal}/history?limit=1000`);
    return history as { verdict: string; code: string | null }[];
  }

  /** The answer of the HTTP API, which must be a success. */
  call(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<Record<string, unknown>> {
    const isBytes = body instanceof Uint8Array;
    const payload = body === undefined ? undefined : isBytes ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
    const headers = {
      authorization: `Bearer ${this.#text('api-token').trim()}`,
      ...(payload === undefined ? {} : { 'content-length': payload.length }),
      ...(payload === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#running.apiUrl}${path}`, { method, headers, ca: this.ca }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          expect(response.statusCode, text).to.be.within(200, 299);
          resolve(JSON.parse(text) as Record<string, unknown>);
        });
      });
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  get #running(): Daemon {
    return this.#daemon ?? expect.fail('not running');
  }

  #text(name: string): string {
    return readFileSync(join(this.directory, name), 'utf8');
  }
}
