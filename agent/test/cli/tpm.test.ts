import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resetPcrs, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';
import { Banks } from '../../src/platform/tpm2/banks.ts';
import { openTpm2 } from '../../src/platform/tpm2/open-tpm2.ts';
import { handlesOf } from '../../src/tpm2/capabilities.ts';
import type { TpmClient } from '../../src/tpm2/client.ts';
import { HANDLE_KIND, STARTUP } from '../../src/tpm2/constants.ts';
import { installFirmware } from '../firmware.ts';
import { COMMAND } from '../platform/machines.ts';
import { requestFor, verified } from '../platform/quoting.ts';
import { expectRefusal } from '../refusal.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';
import { isInstalled, Swtpm, swtpmIsInstalled } from '../tpm2/swtpm.ts';
import { type Ended, mtmAgent } from './command.ts';

const NONCE = 'ab'.repeat(32);

describe('mtm-agent with --tpm', () => {
  let tpm: Swtpm;
  const served: ChildProcess[] = [];

  before(function () {
    if (!swtpmIsInstalled()) this.skip();
  });

  beforeEach(async () => {
    tpm = await Swtpm.started();
  });

  afterEach(async () => {
    for (const child of served.splice(0)) child.kill('SIGKILL');
    await tpm.remove();
  });

  async function serve(directory: string): Promise<{ readonly child: ChildProcess; readonly said: unknown }> {
    const [program, ...first] = COMMAND;
    const args = [...first, 'tre', '--bound', '--state', directory, '--tpm', tpm.address, '--json'];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    served.push(child);
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, said: JSON.parse(chunk.toString('utf8')) };
  }

  it('serves the TPM over the same connection, and its end, however it comes, is no power loss of the TPM', () =>
    inTemporaryDirectory(async (directory) => {
      const { child, said } = await serve(directory);
      expect(said).to.deep.equal({ ok: true, serves: true, pid: child.pid, protection: 'none' });
      const agent = await RemotePlatform.connect(directory, { role: 'agent' });
      const { boot, akName, backEnd } = await agent.identity();
      expect(backEnd).to.equal('tpm2');
      await agent.extend(10, new Uint8Array(32).fill(1));
      await verified(agent, requestFor('remote'));
      const pcrs = await agent.readPcrs();
      expect(pcrs).not.to.deep.equal(resetPcrs());
      const counter = await agent.incrementCounter('audit');
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
      await agent.close();
      const next = await openTpm2({ tpm: tpm.address, directory });
      expect(await next.platform.readPcrs()).to.deep.equal(pcrs);
      expect(await next.platform.readCounter('audit')).to.equal(counter);
      expect(await next.platform.identity()).to.deep.include({ boot, akName });
      await next.close();
    }));

  it('one agent has the TPM: another on the same state, or on another one, is refused, and changes nothing', () =>
    inTemporaryDirectory(async (root) => {
      const first = join(root, 'first');
      const held = await opened(first);
      const other = mtmAgent('tre', '--bound', '--state', join(root, 'second'), '--tpm', tpm.address, '--json');
      expect(other.status).to.equal(2);
      expect(JSON.parse(other.stdout)).to.include({ ok: false, code: 'tpm.in-use' });
      await expectRefusal(() => openTpm2({ tpm: tpm.address, directory: first }), 'tre.running');
      await verified(held.platform, requestFor('still'));
      await held.close();
      const again = await opened(join(root, 'second'));
      await again.close();
    }));

  async function opened(directory: string): ReturnType<typeof openTpm2> {
    return openTpm2({ tpm: tpm.address, directory });
  }

  it('a state of one kind is not used as one of the other', () =>
    inTemporaryDirectory(async (root) => {
      const [hard, soft] = [join(root, 'hard'), join(root, 'soft')];
      await (await opened(hard)).close();
      const quote = (state: string, ...more: string[]): Ended =>
        mtmAgent(
          ...['quote', '--state', state, '--pcrs', 'sha256:0', '--nonce', NONCE, '--out', join(root, 'out'), '--json'],
          ...more,
        );
      expect(quote(soft).status).to.equal(0);
      for (const refused of [
        quote(hard),
        quote(join(soft, 'tre'), '--tpm', tpm.address),
        quote(hard, '--tpm', 'tpm0'),
        quote(hard, '--tpm', tpm.address, '--device-key', join(root, 'key')),
      ]) {
        expect(refused.status, refused.stderr).to.equal(2);
        expect(JSON.parse(refused.stdout)).to.include({ code: 'option.invalid' });
      }
      expect(quote(hard, '--tpm', tpm.address).status).to.equal(0);
    }));

  it('quote makes files that tpm2_checkquote takes', function () {
    if (!isInstalled('tpm2_checkquote')) this.skip();
    return inTemporaryDirectory(async (root) => {
      const out = join(root, 'out');
      const ended = mtmAgent(
        ...['quote', '--state', root, '--tpm', tpm.address, '--pcrs', 'sha256:0,1,7,23', '--nonce', NONCE],
        ...['--out', out, '--json'],
      );
      expect(ended.status, ended.stdout + ended.stderr).to.equal(0);
      const { qualifyingData } = JSON.parse(ended.stdout) as { qualifyingData: string };
      const files = ['-u', 'ak.pem', '-m', 'quote.attest', '-s', 'quote.sig', '-f', 'pcrs.bin'];
      const paths = files.map((part) => (part.startsWith('-') ? part : join(out, part)));
      tpm.tool('tpm2_checkquote', ...paths, '-g', 'sha256', '-q', qualifyingData);
      expect(() => tpm.tool('tpm2_checkquote', ...paths, '-g', 'sha256', '-q', NONCE)).to.throw();
    });
  });

  it('a terminal boots on it: measured, logged and extended, and goes on in the same boot', () =>
    inTemporaryDirectory(async (state) => {
      const firmware = installFirmware();
      try {
        const enrol = (...more: string[]): Ended =>
          mtmAgent('enrol', '--state', state, '--slots', firmware.slots, '--json', ...more);
        const pcrs: string[] = [];
        for (let i = 0; i < 2; i++) {
          const ended = enrol('--tpm', tpm.address);
          expect(JSON.parse(ended.stdout), ended.stderr).to.include({ code: 'token.missing' });
          pcrs.push(toHex(await tpm.once(async (client) => (await Banks.of(client)).read())));
        }
        expect(pcrs[0]).to.equal(pcrs[1]).and.not.to.equal(toHex(resetPcrs()));
        expect(JSON.parse(enrol().stdout)).to.include({ code: 'option.invalid' });
      } finally {
        firmware.remove();
      }
    }));

  it('a counter that is gone ends it with 1 and says which', () =>
    inTemporaryDirectory(async (root) => {
      await (await opened(join(root, 'tre'))).close();
      tpm.tool('tpm2_clear', '-c', 'l');
      const ended = mtmAgent('tre', '--bound', '--state', join(root, 'tre'), '--tpm', tpm.address, '--json');
      expect(ended.status).to.equal(1);
      expect(JSON.parse(ended.stdout)).to.deep.include({ code: 'platform.counter-missing' });
      expect(ended.stdout).to.include('audit');
    }));

  it('its state file is for its user alone, and nothing of it is told', () =>
    inTemporaryDirectory(async (root) => {
      const { said } = await serve(root);
      const { akUnique } = JSON.parse(readFileSync(join(root, 'tpm2.json'), 'utf8')) as { akUnique: string };
      expect(akUnique).to.match(/^[0-9a-f]{128}$/);
      expect(JSON.stringify(said)).not.to.include(akUnique);
    }));

  describe('doctor', () => {
    interface Told {
      readonly ok: boolean;
      readonly checks: readonly {
        readonly check: string;
        readonly level: string;
        readonly code?: string;
        readonly next?: string;
      }[];
    }

    function doctor(...args: string[]): { readonly status: number | null; readonly told: Told } {
      const { status, stdout } = mtmAgent('doctor', '--json', ...args);
      return { status, told: JSON.parse(stdout) as Told };
    }

    function codes({ told }: { readonly told: Told }): Readonly<Record<string, string>> {
      return Object.fromEntries(told.checks.map(({ check, code }) => [check, code ?? 'ok']));
    }

    it('finds all that an agent needs on an emulator, says that it is one, and changes nothing', async () => {
      const before = await tpm.once(state);
      const examined = doctor('--tpm', tpm.address);
      expect(examined.status).to.equal(0);
      expect(codes(examined)).to.deep.equal({
        open: 'ok',
        start: 'ok',
        maker: 'tpm.emulated',
        banks: 'tpm.more-banks',
        pcrs: 'ok',
        endorsement: 'tpm.no-certificate',
        hierarchies: 'tpm.clear-open',
        lockout: 'ok',
        slots: 'ok',
        counters: 'ok',
      });
      for (const { level, next } of examined.told.checks) expect(next === undefined).to.equal(level === 'ok');
      expect(await tpm.once(state)).to.equal(before);
    });

    it('says what a password of the owner, a TPM that was not started, and a lost counter mean', async () => {
      tpm.tool('tpm2_changeauth', '-c', 'owner', 'secret');
      const owner = doctor('--tpm', tpm.address);
      expect(owner.status).to.equal(1);
      expect(owner.told.checks.find(({ code }) => code === 'tpm.authorisation')?.next).to.include('tpm2_changeauth');
      tpm.tool('tpm2_clear', '-c', 'l');
      await tpm.shutdown(STARTUP.CLEAR);
      await tpm.powerOn('none');
      const stopped = doctor('--tpm', tpm.address);
      expect(stopped.status).to.equal(1);
      expect(stopped.told.checks.at(-1)).to.include({ code: 'tpm.not-started', level: 'missing' });
      await tpm.powerOn();
      await inTemporaryDirectory(async (root) => {
        await (await opened(root)).close();
        tpm.tool('tpm2_pcrextend', `4:sha256=${NONCE}`);
        expect(codes(doctor('--tpm', tpm.address))).to.include({ counters: 'ok', pcrs: 'tpm.pcrs-extended' });
        tpm.tool('tpm2_nvundefine', '-C', 'o', '0x01804d11');
        expect(codes(doctor('--tpm', tpm.address))).to.include({ counters: 'platform.counter-missing' });
      });
    });

    it('says why a TPM does not open: absent, or in use', () =>
      inTemporaryDirectory(async (root) => {
        expect(codes(doctor('--tpm', `device:${join(root, 'tpm0')}`))).to.deep.equal({ device: 'tpm.device' });
        expect(codes(doctor('--tpm', `swtpm:unix:${join(root, 'tpm')}`))).to.deep.equal({ open: 'tpm.unreachable' });
        const held = await opened(join(root, 'state'));
        expect(codes(doctor('--tpm', tpm.address))).to.deep.equal({ open: 'tpm.in-use' });
        await held.close();
      }));

    it('ends with 2 for an address that is none, and with 0 for software, which needs nothing', () => {
      const wrong = mtmAgent('doctor', '--tpm', 'tpm0', '--json');
      expect(wrong.status).to.equal(2);
      expect(JSON.parse(wrong.stdout)).to.include({ code: 'option.invalid' });
      expect(doctor('--tpm', 'soft').status).to.equal(0);
      const said = mtmAgent('doctor', '--tpm', tpm.address);
      expect(said.stdout).to.match(/^ok {7}open/);
    });
  });
});

/** What of a TPM an examination could change. */
async function state(client: TpmClient): Promise<string> {
  const handles: (readonly number[])[] = [];
  for (const kind of [HANDLE_KIND.NV_INDEX, HANDLE_KIND.TRANSIENT, HANDLE_KIND.PERSISTENT]) {
    handles.push(await handlesOf(client, kind));
  }
  return `${JSON.stringify(handles)} ${toHex(await (await Banks.of(client)).read())}`;
}
