import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentError, type OpenTpm2, openTpm2, type TrustedPlatform } from '@mtm-attest/agent';
import { nameOf, parsePublic, toHex } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { Emulator, emulatorIsInstalled } from '../emulator.ts';
import { Device, manifestFor } from '../endpoint/device.ts';
import { TestVerifier } from '../endpoint/verifier.ts';

const QUIET = ['audit.intervalMs=3600000', 'audit.graceMs=3600000'];
const RSA_CERTIFICATE = '0x01c00002';

/** TPM, the terminal's place beside it, and its device. */
interface TpmTerminal {
  readonly device: Device;
  readonly open: OpenTpm2;
}

describe('the agent of a terminal with a TPM emulator enrols at the daemon', () => {
  let verifier: TestVerifier;
  let emulators: Emulator[];
  let terminals: TpmTerminal[];
  let directories: string[];

  before(function () {
    if (!emulatorIsInstalled()) this.skip();
  });

  beforeEach(async () => {
    verifier = await TestVerifier.start(QUIET);
    [emulators, terminals, directories] = [[], [], []];
  });

  afterEach(async () => {
    for (const { device, open } of terminals) {
      await device.remove();
      await open.close();
    }
    await verifier.remove();
    for (const emulator of emulators) await emulator.stop();
    for (const directory of directories) rmSync(directory, { recursive: true });
  });

  async function emulator(): Promise<Emulator> {
    const tpm = await Emulator.start();
    emulators.push(tpm);
    return tpm;
  }

  /** Another state directory makes another AK in the same TPM. */
  async function opened(tpm: Emulator): Promise<OpenTpm2> {
    const directory = mkdtempSync(join(tmpdir(), 'mtm-tre-'));
    directories.push(directory);
    return openTpm2({ tpm: `swtpm:unix:${join(tpm.directory, 'tpm')}`, directory });
  }

  /** @param disguise what the attacker puts in the place of the platform */
  async function booted(
    open: OpenTpm2,
    disguise: (genuine: TrustedPlatform) => TrustedPlatform = (genuine) => genuine,
  ): Promise<Device> {
    const device = new Device();
    terminals.push({ device, open });
    const release = device.install('a', 1);
    if (directories.length === 1) await verifier.publish(manifestFor([release]));
    device.switchTo('a', 1, verifier.signed(manifestFor([release])));
    await device.powerOn({ platform: disguise(open.platform) });
    return device;
  }

  const shown = (terminal: string): Promise<Record<string, unknown>> =>
    verifier.call('GET', `/v1/terminals/${terminal}`);

  async function alarms(): Promise<readonly unknown[]> {
    const { alarms: all } = await verifier.call('GET', '/v1/alarms');
    return (all as { code: string; terminal: string }[]).map(({ code, terminal }) => [code, terminal]);
  }

  async function codeOf(work: Promise<unknown>): Promise<readonly (string | undefined)[]> {
    const error = await work.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    return error instanceof AgentError ? [error.code, error.detail] : expect.fail(String(error));
  }

  for (const kind of ['ecc', 'rsa'] as const) {
    it(`by activation under its ${kind} endorsement key, and is trusted at the gate`, async () => {
      const tpm = await emulator();
      if (kind === 'rsa') {
        writeFileSync(join(tpm.directory, 'certificate'), Uint8Array.of(0x30, 0x82, 0, 1, 0));
        tpm.run('tpm2_nvdefine', RSA_CERTIFICATE, '-C', 'o', '-s', '5', '-a', 'ownerread|ownerwrite|no_da');
        tpm.run('tpm2_nvwrite', RSA_CERTIFICATE, '-C', 'o', '-i', 'certificate');
      }
      tpm.run('tpm2_createek', '-c', 'ek.ctx', '-G', kind, '-u', 'ek.pub');
      const device = await booted(await opened(tpm));
      await device.agent.enrol(await verifier.token('t-1', 'model-1', 'tpm-unproven'));
      const area = tpm.read('ek.pub').subarray(2);
      expect(parsePublic(area).parameters.type).to.equal(kind);
      const ekName = toHex(nameOf(area, nodeCrypto));
      expect(await shown('t-1')).to.include({ class: 'tpm-unproven', ekName });
      device.connect();
      expect((await device.results.next()).verdict).to.equal('trusted');
      expect(await alarms()).to.deep.equal([]);
    });
  }

  it('as software where its token says so: nothing that it has raises its class', async () => {
    const device = await booted(await opened(await emulator()));
    await device.agent.enrol(await verifier.token('t-1', 'model-1', 'software'));
    expect(await shown('t-1')).to.include({ class: 'software', ekName: null });
  });

  it('under one name: a second state directory at the same TPM, as a copy would be, is refused (F-07)', async () => {
    const tpm = await emulator();
    const first = await opened(tpm);
    const device = await booted(first);
    await device.agent.enrol(await verifier.token('t-1', 'model-1', 'tpm-unproven'));
    await device.powerOff();
    await first.close();
    await tpm.powerCycle();
    const copy = await booted(await opened(tpm));
    const token = await verifier.token('t-2', 'model-1', 'tpm-unproven');
    expect(await codeOf(copy.agent.enrol(token))).to.deep.equal(['session.refused', 'enrolment.refused']);
    expect(await alarms()).to.deep.equal([['enrolment.ek-reused', 't-2']]);
  });

  it('not with the endorsement key of another TPM: there its AK is not (F-08)', async () => {
    const [mine, other] = [await opened(await emulator()), await opened(await emulator())];
    const disguise = (genuine: TrustedPlatform): TrustedPlatform => withEndorsement(genuine, other.platform, genuine);
    const device = await booted(mine, disguise);
    const token = await verifier.token('t-1', 'model-1', 'tpm-unproven');
    expect((await codeOf(device.agent.enrol(token)))[0]).to.equal('tpm.refused');
    await device.powerOff();
    await other.close();
  });

  it('not where another TPM opens the credential: it has no object of that Name (F-08)', async () => {
    const [mine, other] = [await opened(await emulator()), await opened(await emulator())];
    const disguise = (genuine: TrustedPlatform): TrustedPlatform =>
      withEndorsement(genuine, other.platform, other.platform);
    const device = await booted(mine, disguise);
    const token = await verifier.token('t-1', 'model-1', 'tpm-unproven');
    expect((await codeOf(device.agent.enrol(token)))[0]).to.equal('tpm.refused');
    await device.powerOff();
    await other.close();
  });

  it('not with a proof that its TPM did not give, of which the operator is told (F-09)', async () => {
    const disguise = (genuine: TrustedPlatform): TrustedPlatform =>
      withEndorsement(genuine, genuine, { activateCredential: async () => new Uint8Array(32) });
    const device = await booted(await opened(await emulator()), disguise);
    const token = await verifier.token('t-1', 'model-1', 'tpm-unproven');
    expect(await codeOf(device.agent.enrol(token))).to.deep.equal(['session.refused', 'enrolment.refused']);
    expect(await alarms()).to.deep.equal([['enrolment.unproven', 't-1']]);
    expect(verifier.log.filter((line) => line.includes('was not proven to be in the TPM'))).to.have.length(1);
  });
});

/** A platform that shows one endorsement key and lets another one, or nobody, open credentials. */
function withEndorsement(
  genuine: TrustedPlatform,
  shows: Pick<TrustedPlatform, 'endorsementKey'>,
  opens: Pick<TrustedPlatform, 'activateCredential'>,
): TrustedPlatform {
  const lies: Partial<TrustedPlatform> = {
    endorsementKey: () => shows.endorsementKey(),
    activateCredential: (credential) => opens.activateCredential(credential),
  };
  return new Proxy(genuine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(lies, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
