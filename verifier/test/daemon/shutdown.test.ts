import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const STOPPABLE = fileURLToPath(new URL('stoppable.ts', import.meta.url));

class Running {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  #text = '';

  constructor(...args: readonly string[]) {
    const options = ['--import', 'tsx', '--conditions=mtm-source', STOPPABLE, ...args];
    this.#child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('utf8');
    this.#child.stdout?.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#child.emit('said');
    });
    this.#closed = once(this.#child, 'close');
  }

  /** Resolves once it has said this. */
  async says(line: string): Promise<void> {
    while (!this.lines.includes(line)) await once(this.#child, 'said');
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get lines(): readonly string[] {
    return this.#text.split('\n').filter((line) => line !== '');
  }

  async exitCode(): Promise<unknown> {
    return (await this.#closed)[0];
  }
}

describe('shutdown', () => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    it(`after ${signal} drains and exits ${code}`, async () => {
      const running = new Running('quick');
      await running.says('ready');
      running.send(signal);
      expect(await running.exitCode()).to.equal(code);
      expect(running.lines).to.deep.equal(['ready', 'stop']);
    });
  }

  it('ends at a second signal, with the code of the first', async () => {
    const running = new Running('stuck', '600000');
    await running.says('ready');
    running.send('SIGTERM');
    await running.says('stop');
    running.send('SIGINT');
    expect(await running.exitCode()).to.equal(143);
  });

  it('ends at its deadline where something hangs', async () => {
    const running = new Running('stuck', '50');
    await running.says('ready');
    running.send('SIGINT');
    expect(await running.exitCode()).to.equal(130);
  });

  it('reloads at SIGHUP and goes on, even where that fails', async () => {
    for (const kind of ['quick', 'stuck']) {
      const running = new Running(kind, '50');
      await running.says('ready');
      running.send('SIGHUP');
      await running.says('reload');
      running.send('SIGTERM');
      expect(await running.exitCode()).to.equal(143);
    }
  });
});
