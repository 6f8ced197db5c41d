import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest, TerminalClass } from '@mtm-attest/protocol';
import { loadConfig } from '../../src/config/load.ts';
import { assemble } from '../../src/daemon/assemble.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { createLog } from '../../src/daemon/log.ts';
import { signManifest } from '../../src/reference/sign-manifest.ts';
import { VerifierSite } from '../support/verifier-site.ts';

/** The whole daemon, in a directory of its own that `init` made, on free ports. */
export class TestVerifier {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-verifier-'));
  readonly log: string[] = [];
  readonly #site: VerifierSite = new VerifierSite(this.directory);
  #settings: readonly string[] = [];
  #daemon: Daemon | undefined;
  #port = 0;

  /** @param settings `key=value`, as on the command line */
  static async start(settings: readonly string[] = []): Promise<TestVerifier> {
    const verifier = new TestVerifier();
    await verifier.#site.initialise({ hosts: ['127.0.0.1', 'localhost'], operator: 'operator-a' });
    verifier.#settings = settings;
    await verifier.begin();
    return verifier;
  }

  /** Starts it, at the port of before where there was one. */
  async begin(): Promise<void> {
    const set = [...this.#settings, `listen.port=${this.#port}`];
    const config = loadConfig({ file: this.#site.config, environment: {}, set });
    this.#daemon = await assemble(config, createLog('debug', { write: (line) => this.log.push(line) }));
    this.#site.listens(this.#daemon);
    this.#port = Number(new URL(this.#daemon.listenUrl.replace('wss', 'https')).port);
  }

  async end(): Promise<void> {
    await this.#daemon?.stop();
    this.#site.disconnect();
    this.#daemon = undefined;
  }

  async remove(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true });
  }

  get listenUrl(): string {
    return this.#site.listenUrl;
  }

  get ca(): string {
    return this.#site.text('server-chain.pem');
  }

  /** Signed by the manifest key of this verifier. */
  signed(manifest: Manifest): Uint8Array {
    return signManifest(manifest, [createPrivateKey(this.#site.text('manifest-key.pem'))]);
  }

  async publish(manifest: Manifest): Promise<Uint8Array> {
    const body = this.signed(manifest);
    await this.call('POST', '/v1/manifests', body);
    return body;
  }

  async token(terminal: string, model: string, terminalClass: TerminalClass = 'simulated'): Promise<string> {
    return await this.#site.token(terminal, terminalClass, model);
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
  async call(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<Record<string, unknown>> {
    return (await this.#site.api(method, path, body)) as Record<string, unknown>;
  }
}
