import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resetPcrs } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { openSoftOnDisk } from '../../src/platform/soft/open-soft.ts';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';
import { installFirmware } from '../firmware.ts';
import { COMMAND } from '../platform/machines.ts';
import { expectRefusal } from '../refusal.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';
import { mtmAgent } from './command.ts';

const served: ChildProcess[] = [];

/** A test that fails leaves no process, which would keep this one from ending. */
function killServed(): void {
  for (const child of served.splice(0)) child.kill('SIGKILL');
}

/** `mtm-agent tre`, bound to this process, once it serves. */
async function servingTre(
  ...args: readonly string[]
): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const [program, ...first] = COMMAND;
  const child = spawn(program, [...first, 'tre', '--bound', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  served.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: chunk.toString('utf8') };
}

async function endedBy(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const ended = once(child, 'close');
  child.kill(signal);
  return (await ended)[0];
}

describe('mtm-agent tre', () => {
  afterEach(killServed);

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

describe('mtm-agent tre --socket', () => {
  afterEach(killServed);

  /** Anybody else's, where this user may act for others. */
  const OTHER_USER = process.getuid?.() === 0 ? { uid: 65_534, gid: process.getgid?.() } : undefined;
  const CONNECT = `require('node:net').connect(process.argv[1], () => process.exit(0)).on('error', () => process.exit(1))`;

  /** Whether somebody of the socket's group can connect: another user, where this one may act for others. */
  function canConnect(path: string): boolean {
    return spawnSync(process.execPath, ['-e', CONNECT, path], { ...OTHER_USER, cwd: '/' }).status === 0;
  }

  function inOpenDirectory(use: (root: string) => Promise<void>): Promise<void> {
    return inTemporaryDirectory((root) => {
      chmodSync(root, 0o711);
      return use(root);
    });
  }

  it('serves an agent of its group outside the state, which stays closed to everybody else', () =>
    inOpenDirectory(async (root) => {
      const [directory, socket] = [join(root, 'tre'), join(root, 'agent.sock')];
      const { child } = await servingTre('--state', directory, '--socket', socket);
      expect(statSync(directory).mode & 0o777).to.equal(0o700);
      for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).to.equal(0o600);
      expect(statSync(socket).mode & 0o777).to.equal(0o660);
      expect(canConnect(socket)).to.equal(true);
      if (OTHER_USER !== undefined) {
        for (const name of readdirSync(directory)) expect(canConnect(join(directory, name)), name).to.equal(false);
      }
      const agent = await RemotePlatform.connectAt(socket, { role: 'agent' });
      await expectRefusal(() => RemotePlatform.connect(directory, { role: 'agent', busyMs: 50 }), 'platform.busy');
      expect((await agent.identity()).boot.resetCount).to.equal(1);
      await agent.close();
      expect(await endedBy(child, 'SIGTERM')).to.equal(143);
      expect(existsSync(socket)).to.equal(false);
      await expectRefusal(() => RemotePlatform.connectAt(socket, { role: 'agent' }), 'platform.unavailable');
    }));

  it('takes the place of one that was killed, and of nothing else', () =>
    inOpenDirectory(async (root) => {
      const [directory, socket] = [join(root, 'tre'), join(root, 'agent.sock')];
      const killed = await servingTre('--state', directory, '--socket', socket);
      await endedBy(killed.child, 'SIGKILL');
      expect(existsSync(socket)).to.equal(true);
      const { child } = await servingTre('--state', directory, '--socket', socket);
      expect(canConnect(socket)).to.equal(true);
      const [file, open] = [join(root, 'file'), join(root, 'open')];
      writeFileSync(file, 'precious');
      mkdirSync(open);
      chmodSync(open, 0o1777);
      for (const [code, path] of [
        ['tre.running', socket],
        ['tre.socket', file],
        ['tre.socket', join(open, 'agent.sock')],
        ['tre.socket', join(root, 'missing', 'agent.sock')],
        ['tre.path', join(root, 'x'.repeat(100))],
      ] as const) {
        await expectRefusal(() => openSoftOnDisk({ directory: join(root, 'other'), socket: path }), code);
      }
      expect(readFileSync(file, 'utf8')).to.equal('precious');
      expect(await endedBy(child, 'SIGTERM')).to.equal(143);
    }));

  it('is neither started nor ended by an agent that uses it with --tre-socket', () =>
    inOpenDirectory(async (root) => {
      const [directory, socket, state] = [join(root, 'tre'), join(root, 'agent.sock'), join(root, 'state')];
      const firmware = installFirmware();
      const { child } = await servingTre('--state', directory, '--socket', socket);
      try {
        const enrol = ['enrol', '--state', state, '--slots', firmware.slots, '--tre-socket', socket, '--json'];
        for (const [code, ...more] of [['token.missing'], ['option.invalid', '--counter', join(root, 'counter')]]) {
          const ended = mtmAgent(...enrol, ...more);
          expect(JSON.parse(ended.stdout), ended.stderr).to.include({ ok: false, code });
        }
        expect(readdirSync(state)).to.deep.equal(['agent']);
        const agent = await RemotePlatform.connectAt(socket, { role: 'agent' });
        expect((await agent.identity()).boot.resetCount).to.equal(1);
        expect(await agent.readPcrs()).not.to.deep.equal(resetPcrs());
        await agent.close();
        expect(await endedBy(child, 'SIGTERM')).to.equal(143);
        const ended = mtmAgent(...enrol);
        expect(JSON.parse(ended.stdout)).to.include({ ok: false, code: 'platform.unavailable' });
      } finally {
        firmware.remove();
      }
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
