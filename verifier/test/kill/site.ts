import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installRelease, MODEL } from '../support/release.ts';
import { VerifierSite } from '../support/verifier-site.ts';
import { RunningCommand } from './command.ts';
import { RecordProxy } from './record-proxy.ts';

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
  readonly #site: VerifierSite = new VerifierSite(join(this.directory, 'verifier'));
  readonly #shown = new Set<number>();

  private constructor(proxy: RecordProxy) {
    this.proxy = proxy;
  }

  /** @param names of the terminals, which are enrolled and run when this resolves */
  static async start(names: readonly string[]): Promise<Site> {
    const site = new Site(await RecordProxy.start());
    await site.#site.initialise();
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
    this.#verifier = new RunningCommand('verifier', this.#site.serving([...SETTINGS, url]));
    this.#site.listens(await this.#verifier.firstLine());
    this.proxy.upstreamPort = Number(new URL(this.#site.listenUrl).port);
  }

  /** Filed results that the verifier does not show at their index: of all, or of those that were not looked at before. */
  async lostResults(which: 'all' | 'new'): Promise<readonly Filed[]> {
    if (which === 'all') this.#shown.clear();
    const filed = this.terminals.flatMap((terminal) => terminal.filed());
    const lost: Filed[] = [];
    for (const result of filed.filter(({ ledgerIndex }) => !this.#shown.has(ledgerIndex))) {
      const { text } = await this.#site.ask('GET', `/v1/ledger/${result.ledgerIndex}`);
      const leaf = JSON.parse(text) as { leafHash?: string };
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
    this.#site.disconnect();
    this.proxy.stop();
    rmSync(this.directory, { recursive: true });
  }

  api(method: 'GET' | 'POST', path: string, body?: object | Uint8Array): Promise<unknown> {
    return this.#site.api(method, path, body);
  }

  async #install(): Promise<void> {
    const key = createPrivateKey(this.#site.text('manifest-key.pem'));
    await this.api('POST', '/v1/manifests', installRelease(join(this.directory, 'slots'), key));
  }

  async #enrol(name: string): Promise<void> {
    const token = await this.#site.token(name, 'software', MODEL);
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
