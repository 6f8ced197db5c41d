import { createHash, createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReferenceComponent } from '@mtm-attest/protocol';
import { initialise } from '../../src/cli/init.ts';
import { signManifest } from '../../src/reference/sign-manifest.ts';
import { RunningCommand } from './command.ts';
import { RecordProxy } from './record-proxy.ts';

const PARTS = [
  { name: 'app.bin', pcr: 10, phase: 'boot' },
  { name: 'kernel.bin', pcr: 4, phase: 'boot' },
  { name: 'tre.bin', pcr: 0, phase: 'boot' },
] as const;

const SETTINGS = ['audit.intervalMs=250', 'audit.graceMs=5000', 'audit.nonceLifeMs=5000', 'log.level=warn'];

/** A result as a terminal filed it. */
interface Filed {
  readonly ledgerIndex: number;
  readonly leafHash: string;
}

/** A verifier behind a proxy, its terminals, and the firmware they run: all of it real processes and files. */
export class Site {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'mtm-kill-'));
  readonly proxy: RecordProxy;
  readonly terminals: KillableTerminal[] = [];
  #verifier: RunningCommand | undefined;
  #apiUrl = '';
  #connections = new Agent({ keepAlive: true });
  readonly #shown = new Set<number>();

  private constructor(proxy: RecordProxy) {
    this.proxy = proxy;
  }

  /** @param names of the terminals, which are enrolled and run when this resolves */
  static async start(names: readonly string[]): Promise<Site> {
    const site = new Site(await RecordProxy.start());
    const { directory } = site;
    await initialise({
      directory: join(directory, 'verifier'),
      hosts: ['localhost', '127.0.0.1'],
      operator: 'operator',
      audience: 'verifier',
      listenHost: '127.0.0.1',
      listenPort: 0,
      apiPort: 0,
      now: Date.now(),
    });
    await site.startVerifier();
    await site.#install();
    for (const name of names) await site.#enrol(name);
    return site;
  }

  get verifier(): RunningCommand {
    if (this.#verifier === undefined) throw new RangeError('not started');
    return this.#verifier;
  }

  async startVerifier(): Promise<void> {
    const url = `listen.url=wss://localhost:${this.proxy.port}/attest`;
    const set = [...SETTINGS, url].flatMap((setting) => ['--set', setting]);
    const config = join(this.directory, 'verifier', 'verifier.toml');
    this.#connections.destroy();
    this.#connections = new Agent({ keepAlive: true });
    this.#verifier = new RunningCommand('verifier', ['serve', '--config', config, '--json', ...set]);
    const { listenUrl, apiUrl } = JSON.parse(await this.#verifier.firstLine()) as Record<string, string>;
    this.proxy.upstreamPort = Number(new URL(listenUrl ?? '').port);
    this.#apiUrl = apiUrl ?? '';
  }

  /** Filed results that the verifier does not show at their index: of all, or of those that were not looked at before. */
  async lostResults(which: 'all' | 'new'): Promise<readonly Filed[]> {
    if (which === 'all') this.#shown.clear();
    const filed = this.terminals.flatMap((terminal) => terminal.filed());
    const lost: Filed[] = [];
    for (const result of filed.filter(({ ledgerIndex }) => !this.#shown.has(ledgerIndex))) {
      const leaf = (await this.api('GET', `/v1/ledger/${result.ledgerIndex}`)) as { leafHash?: string };
      if (leaf.leafHash === result.leafHash) this.#shown.add(result.ledgerIndex);
      else lost.push(result);
    }
    return lost;
  }

  /** Verdicts of a terminal's whole history. */
  async verdicts(terminal: string): Promise<readonly string[]> {
    const verdicts: string[] = [];
    let cursor = '';
    for (;;) {
      const page = (await this.api('GET', `/v1/terminals/${terminal}/history?limit=1000${cursor}`)) as {
        readonly history: readonly { readonly verdict: string; readonly code: string | null }[];
        readonly next: string | null;
      };
      verdicts.push(...page.history.map(({ verdict, code }) => (code === null ? verdict : `${verdict} ${code}`)));
      if (page.next === null) return verdicts;
      cursor = `&cursor=${page.next}`;
    }
  }

  async stop(): Promise<void> {
    for (const terminal of this.terminals) await terminal.kill();
    await this.#verifier?.kill();
    this.#connections.destroy();
    this.proxy.stop();
    rmSync(this.directory, { recursive: true });
  }

  api(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<unknown> {
    const verifier = join(this.directory, 'verifier');
    const isBytes = body instanceof Uint8Array;
    const headers = {
      authorization: `Bearer ${readFileSync(join(verifier, 'api-token'), 'utf8').trim()}`,
      ...(body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
    };
    const ca = readFileSync(join(verifier, 'server-chain.pem'), 'utf8');
    return new Promise((resolve, reject) => {
      const asked = request(
        new URL(path, this.#apiUrl),
        { method, headers, ca, agent: this.#connections },
        (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
          answer.on('end', () => {
            resolve(JSON.parse(text));
          });
        },
      );
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : isBytes ? Buffer.from(body) : JSON.stringify(body));
    });
  }

  async #install(): Promise<void> {
    const slots = join(this.directory, 'slots');
    const files = join(slots, 'a', 'files');
    mkdirSync(files, { recursive: true });
    const components = PARTS.map((part): ReferenceComponent => {
      const bytes = Buffer.from(part.name.repeat(1000));
      writeFileSync(join(files, part.name), bytes);
      return { ...part, digest: new Uint8Array(createHash('sha256').update(bytes).digest()) };
    });
    const key = createPrivateKey(readFileSync(join(this.directory, 'verifier', 'manifest-key.pem')));
    const releases = [{ release: 1, version: '1.0', components }];
    const manifest = signManifest({ issuer: 'maker', model: 'model-1', sequence: 1, minimum: 1, releases }, [key]);
    writeFileSync(join(slots, 'a', 'manifest.bin'), manifest);
    writeFileSync(join(slots, 'a', 'release.json'), '{"release": 1}');
    writeFileSync(join(slots, 'boot'), 'a');
    await this.api('POST', '/v1/manifests', manifest);
  }

  async #enrol(name: string): Promise<void> {
    const wanted = { terminal: name, class: 'software', model: 'model-1' };
    const { token } = (await this.api('POST', '/v1/tokens', wanted)) as { token: string };
    writeFileSync(join(this.directory, `${name}.token`), token, { mode: 0o600 });
    const terminal = new KillableTerminal(this.directory, name);
    this.terminals.push(terminal);
    await terminal.start();
  }
}

/** A terminal of two processes, agent and TrE, each of which can be killed. */
export class KillableTerminal {
  readonly name: string;
  readonly #state: string;
  readonly #directory: string;
  #tre: RunningCommand | undefined;
  #agent: RunningCommand | undefined;

  constructor(directory: string, name: string) {
    this.name = name;
    this.#directory = directory;
    this.#state = join(directory, name);
  }

  /** Starts what does not run. */
  async start(): Promise<void> {
    if (this.#tre?.running !== true) {
      this.#tre = new RunningCommand('agent', ['tre', '--state', join(this.#state, 'tre')]);
      await this.#tre.firstLine();
    }
    if (this.#agent?.running === true) return;
    const token = join(this.#directory, `${this.name}.token`);
    const slots = join(this.#directory, 'slots');
    const args = [
      'run',
      '--state',
      this.#state,
      '--slots',
      slots,
      '--token',
      token,
      '--keep-tre',
      '--back-off',
      '50:400',
    ];
    this.#agent = new RunningCommand('agent', args);
  }

  get agent(): RunningCommand {
    if (this.#agent === undefined) throw new RangeError('not started');
    return this.#agent;
  }

  get tre(): RunningCommand {
    if (this.#tre === undefined) throw new RangeError('not started');
    return this.#tre;
  }

  async kill(): Promise<void> {
    await this.#agent?.kill();
    await this.#tre?.kill();
  }

  filed(): readonly Filed[] {
    const file = join(this.#state, 'agent', 'results.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as Filed];
        } catch {
          return [];
        }
      });
  }

  /** Resolves once more results than so many have been filed. @throws RangeError where the agent ended by itself instead */
  async filesMoreThan(count: number): Promise<void> {
    while (this.filed().length <= count) {
      if (!this.agent.running) throw new RangeError(`the agent of ${this.name} ended: ${this.agent.said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
