import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { COMMAND } from '../platform/machines.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';
import { mtmAgent } from './command.ts';

/** `mtm-agent tre`, bound to this process, once it serves. */
async function servingTre(
  ...args: readonly string[]
): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const [program, ...first] = COMMAND;
  const child = spawn(program, [...first, 'tre', '--bound', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: chunk.toString('utf8') };
}

async function endedBy(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const ended = once(child, 'close');
  child.kill(signal);
  return (await ended)[0];
}

describe('mtm-agent tre', () => {
  it('makes a directory for its user alone, serves, and says so; ends in order with 143 on SIGTERM and 130 on SIGINT', () =>
    inTemporaryDirectory(async (root) => {
      const directory = join(root, 'state', 'tre');
      const first = await servingTre('--state', directory, '--json');
      expect(JSON.parse(first.said)).to.deep.equal({
        ok: true,
        serves: true,
        pid: first.child.pid,
        protection: 'none',
      });
      for (const path of [join(root, 'state'), directory]) expect(statSync(path).mode & 0o777).to.equal(0o700);
      for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).to.equal(0o600);
      const second = mtmAgent('tre', '--bound', '--state', directory, '--json');
      expect(second.status).to.equal(2);
      expect(JSON.parse(second.stdout)).to.include({ ok: false, code: 'tre.running' });
      expect(await endedBy(first.child, 'SIGTERM')).to.equal(143);
      const again = await servingTre('--state', directory);
      expect(again.said).to.equal(`serves ${directory}; state protection: none\n`);
      expect(await endedBy(again.child, 'SIGINT')).to.equal(130);
    }));

  it('shows where the device key comes from, and starts with no other (F-73)', () =>
    inTemporaryDirectory(async (root) => {
      const directory = join(root, 'tre');
      const [key, other] = [join(root, 'key'), join(root, 'other')];
      for (const path of [key, other]) writeFileSync(path, path.padEnd(32, '.').slice(-32), { mode: 0o600 });
      const { child, said } = await servingTre('--state', directory, '--device-key', key, '--json');
      expect(JSON.parse(said)).to.include({ protection: 'device-key' });
      expect(await endedBy(child, 'SIGTERM')).to.equal(143);
      const before = readdirSync(directory);
      for (const [code, ...args] of [['state.tampered', '--device-key', other], ['device-key.missing']] as const) {
        const ended = mtmAgent('tre', '--bound', '--state', directory, ...args, '--json');
        expect(JSON.parse(ended.stdout)).to.include({ ok: false, code });
        expect(ended.status, code).to.equal(code === 'state.tampered' ? 1 : 2);
      }
      expect(before.filter((name) => name.endsWith('.bin'))).to.deep.equal(['state.bin']);
      expect(readdirSync(directory)).not.to.include('device.key');
    }));
});

describe('the options of mtm-agent', () => {
  it('are told on standard output by --help of each command, with exit code 0 and nothing done', () =>
    inTemporaryDirectory(async (root) => {
      const state = join(root, 'state');
      for (const name of ['run', 'enrol', 'tre', 'quote']) {
        const { status, stdout, stderr } = mtmAgent(name, '--state', state, '--help');
        expect([status, stderr], name).to.deep.equal([0, '']);
        expect(stdout, name).to.include('--state');
      }
      expect(readdirSync(root)).to.deep.equal([]);
    }));

  it('that are unknown, repeated as an argument or missing are refused with exit code 2, before anything is made', () =>
    inTemporaryDirectory(async (root) => {
      const state = join(root, 'state');
      for (const args of [
        ['tre', '--state', state, '--unknown'],
        ['tre', '--state', state, 'more'],
        ['tre'],
        ['quote', '--state', state, '--pcrs', 'sha256:0', '--nonce', 'ab'],
        ['quote', '--state', state, '--pcrs', 'sha256:24', '--nonce', 'ab', '--out', join(root, 'out')],
        ['quote', '--state', state, '--pcrs', 'sha256:0', '--nonce', 'ab'.repeat(65), '--out', join(root, 'out')],
      ]) {
        const { status, stdout, stderr } = mtmAgent(...args);
        expect([status, stdout], args.join(' ')).to.deep.equal([2, '']);
        expect(stderr, args.join(' ')).to.match(/^option\.invalid: /);
      }
      expect(readdirSync(root)).to.deep.equal([]);
    }));

  it('of quote make an absent state for its user alone', () =>
    inTemporaryDirectory(async (root) => {
      const state = join(root, 'deep', 'state');
      const out = join(root, 'out');
      const ended = mtmAgent('quote', '--state', state, '--pcrs', 'sha256:0', '--nonce', 'ab', '--out', out);
      expect(ended.status, ended.stderr).to.equal(0);
      expect(ended.stdout).to.match(/^qualifyingData [0-9a-f]{64}\ntpm2_checkquote -u .* -q [0-9a-f]{64}\n$/);
      for (const path of [join(root, 'deep'), state, join(state, 'tre')]) {
        expect(statSync(path).mode & 0o777, path).to.equal(0o700);
      }
      for (const name of readdirSync(join(state, 'tre'))) {
        expect(statSync(join(state, 'tre', name)).mode & 0o077, name).to.equal(0);
      }
    }));
});
