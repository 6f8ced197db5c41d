import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentError, type OpenTpm2, openTpm2 } from '@mtm-attest/agent';
import type { Message } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { Emulator, emulatorIsInstalled } from '../emulator.ts';
import { Device, manifestFor } from './device.ts';
import { TestVerifier } from './verifier.ts';

const QUIET = ['audit.intervalMs=3600000', 'audit.graceMs=3600000'];
const COUNTERS = ['0x01804d10', '0x01804d11', '0x01804d12', '0x01804d13'];
const ATTRIBUTES = 'authread|authwrite|no_da|nt=counter';

describe('a terminal with a TPM emulator', () => {
  let verifier: TestVerifier;
  let device: Device;
  let tpm: Emulator | undefined;
  let open: OpenTpm2 | undefined;
  let state = '';

  before(function () {
    if (!emulatorIsInstalled()) this.skip();
  });

  beforeEach(async () => {
    verifier = await TestVerifier.start(QUIET);
    device = new Device();
    tpm = await Emulator.start();
    state = mkdtempSync(join(tmpdir(), 'mtm-tre-'));
    device.switchTo('a', 1, await verifier.publish(manifestFor([device.install('a', 1)])));
    await start();
    await device.agent.enrol(await verifier.token('t-1', 'model-1', 'tpm-unproven'));
    device.connect();
    expect(await next()).to.deep.equal(['trusted']);
  });

  afterEach(async () => {
    await stop();
    await device.remove();
    await verifier.remove();
    await tpm?.stop();
    rmSync(state, { recursive: true, force: true });
  });

  function emulator(): Emulator {
    return tpm ?? expect.fail('no emulator');
  }

  async function start(): Promise<void> {
    open = await openTpm2({ tpm: `swtpm:unix:${join(emulator().directory, 'tpm')}`, directory: state });
    await device.powerOn({ platform: open.platform });
  }

  /** The agent ends; the TPM goes on. */
  async function stop(): Promise<void> {
    await device.powerOff();
    await open?.close();
    open = undefined;
  }

  /** One of tpm2-tools and nothing after it: any command undoes a Shutdown. */
  function tool(command: string, ...args: readonly string[]): void {
    const env = {
      ...process.env,
      TPM2TOOLS_TCTI: `swtpm:path=${join(emulator().directory, 'tpm')}`,
      TSS2_LOG: 'all+NONE',
    };
    execFileSync(command, args, { cwd: emulator().directory, env, stdio: 'ignore' });
  }

  async function reboot(kind: 'reset' | 'restart' | 'resume'): Promise<void> {
    await stop();
    tool('tpm2_shutdown', ...(kind === 'reset' ? ['-c'] : []));
    await emulator().powerCycle();
    tool('tpm2_startup', ...(kind === 'resume' ? [] : ['-c']));
    await start();
    device.connect();
  }

  const shown = ({ verdict, codes }: Message<'result'>): readonly string[] => [verdict, ...(codes ?? [])];

  async function next(): Promise<readonly string[]> {
    return shown(await device.results.next());
  }

  async function audit(): Promise<readonly string[]> {
    await verifier.call('POST', '/v1/terminals/t-1/audit');
    return next();
  }

  it('is trusted through audits, every kind of reboot, and restarts of its agent alone', async () => {
    for (let i = 0; i < 3; i++) expect(await audit()).to.deep.equal(['trusted']);
    for (const kind of ['restart', 'resume', 'reset'] as const) {
      await reboot(kind);
      expect(await next(), kind).to.deep.equal(['trusted']);
      expect(await audit(), kind).to.deep.equal(['trusted']);
    }
    await stop();
    await start();
    device.connect();
    expect(await next(), 'the same boot goes on').to.deep.equal(['trusted']);
    const history = await verifier.history('t-1');
    expect(history.filter(({ verdict }) => verdict === 'untrusted')).to.deep.equal([]);
  });

  it('whose firmware was altered is untrusted, and trusted after the next boot of what is listed', async () => {
    device.alter('app/main.bin');
    expect(await audit()).to.deep.equal(['untrusted', 'component.digest']);
    device.install('a', 1);
    await reboot('reset');
    expect(await next()).to.deep.equal(['trusted']);
  });

  it('whose PCRs were extended past its agent has a log that leads elsewhere', async () => {
    await stop();
    tool('tpm2_pcrextend', `11:sha256=${'ab'.repeat(32)}`);
    const error = await start().catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(AgentError).with.property('code', 'log.diverged');
    await reboot('reset');
    expect(await next()).to.deep.equal(['trusted']);
  });

  it('whose TPM was cleared says so; whoever makes its counters again is found out by the boot identity (F-23)', async () => {
    await reboot('reset');
    expect(await next()).to.deep.equal(['trusted']);
    await stop();
    tool('tpm2_clear', '-c', 'l');
    const error = await start().catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(AgentError).with.property('code', 'platform.counter-missing');
    for (const index of COUNTERS) {
      tool('tpm2_nvdefine', index, '-C', 'o', '-a', ATTRIBUTES);
      tool('tpm2_nvincrement', index, '-C', index);
    }
    await start();
    device.connect();
    expect(await next()).to.deep.equal(['untrusted', 'identity.rolled-back']);
  });

  it('whose TPM was put back to an old copy of its state is found out (F-20, F-73)', async () => {
    await reboot('reset');
    expect(await next()).to.deep.equal(['trusted']);
    await stop();
    const copy = mkdtempSync(join(tmpdir(), 'mtm-copy-'));
    try {
      const files = readdirSync(emulator().directory).filter((name) => name.startsWith('tpm2-'));
      expect(files).not.to.deep.equal([]);
      for (const name of files) cpSync(join(emulator().directory, name), join(copy, name));
      await reboot('reset');
      expect(await next()).to.deep.equal(['trusted']);
      expect(await audit()).to.deep.equal(['trusted']);
      await stop();
      for (const name of files) cpSync(join(copy, name), join(emulator().directory, name));
      await emulator().powerCycle();
      tool('tpm2_startup', '-c');
      await start();
      device.connect();
      const [verdict, code] = await next();
      expect([verdict, code?.split('.')[0]]).to.deep.equal(['untrusted', 'identity']);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});
