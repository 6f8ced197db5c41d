import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { type AgentOptions, createAgent } from '@mtm-attest/agent';
import type { ImaReference, Message } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { firmwareLog } from '../support/machine-logs.ts';
import { Device, manifestFor, PARTS } from './device.ts';
import { BOOT_KIT, bootOrder, FIRMWARE, file, firmwareWith, LOADER, Machine, platformOf } from './machine.ts';
import { TestVerifier } from './verifier.ts';

const QUIET = ['audit.intervalMs=3600000', 'audit.graceMs=3600000'];
const MACHINE_PARTS = PARTS.map((part) => (part.pcr === 10 ? { ...part, pcr: 4 } : part));
const FILES = ['/sbin/init', '/usr/bin/daemon'];

interface Finding {
  readonly code: string;
  readonly detail: string;
  readonly next: string;
  readonly event?: number;
  readonly component?: string;
  readonly found?: string;
  readonly toSign?: string;
}

describe('a machine whose firmware and kernel measure', () => {
  let verifier: TestVerifier;
  let device: Device;
  let machine: Machine;

  afterEach(async () => {
    await device.remove();
    await verifier.remove();
    machine.remove();
  });

  /** Release 1 with its platform published and installed, the machine on and enrolled. */
  async function enrolled(
    ima: Partial<ImaReference> = {},
    settings: readonly string[] = QUIET,
    options: Partial<AgentOptions> = {},
  ): Promise<void> {
    verifier = await TestVerifier.start(settings);
    device = new Device(MACHINE_PARTS);
    machine = new Machine(device);
    device.switchTo('a', 1, await published(1, FILES, ima));
    await machine.powerOn(FIRMWARE, { ...machine.logs(), ...options });
    await machine.measures(file('/sbin/init'));
    await device.agent.enrol(await verifier.token('t-1', 'model-1'));
  }

  function published(sequence: number, files: readonly string[], ima: Partial<ImaReference> = {}): Promise<Uint8Array> {
    const release = { ...device.install('a', 1), platform: platformOf(files, ima) };
    return verifier.publish(manifestFor([release], { sequence }));
  }

  const shown = ({ verdict, codes }: Message<'result'>): readonly string[] => [verdict, ...(codes ?? [])];

  async function gate(): Promise<readonly string[]> {
    device.connect();
    return shown(await device.results.next());
  }

  async function audited(): Promise<readonly string[]> {
    await verifier.call('POST', '/v1/terminals/t-1/audit');
    return shown(await device.results.next());
  }

  /** What the explanation says of a code. */
  async function explained(code: string): Promise<Finding> {
    const { result } = await verifier.call('GET', '/v1/terminals/t-1/explain');
    const { findings } = result as { readonly findings: readonly Finding[] };
    const found = findings.find((finding) => finding.code === code);
    if (found === undefined) throw new Error(`${code} is not explained: ${JSON.stringify(findings)}`);
    return found;
  }

  async function rebooted(firmware = FIRMWARE): Promise<readonly string[]> {
    await device.powerOff();
    await machine.powerOn(firmware);
    return gate();
  }

  it('is admitted at the gate and audited while its list grows; what a signer let pass unseen is shown', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    expect(await verifier.verdict('t-1')).to.deep.equal(['trusted', 'firmware.volatile']);
    expect((await explained('firmware.volatile')).detail).to.include('BootOrder');
    expect(await audited(), 'nothing new').to.deep.equal(['trusted']);
    await machine.measures(file('/usr/bin/daemon'), file('/sbin/init'));
    expect(await audited()).to.deep.equal(['trusted']);
    expect(await rebooted(firmwareWith(bootOrder(0, 1)))).to.deep.equal(['trusted']);
    expect(await verifier.verdict('t-1')).to.deep.equal(['trusted', 'boot.new', 'firmware.volatile']);
    const [first] = await verifier.history('t-1');
    expect(first).to.deep.include({ verdict: 'trusted', codes: ['firmware.volatile'] });
  });

  it('goes on in its boot when the agent alone is restarted', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    await device.agent.disconnect();
    const agent = await createAgent({
      platform: device.platform,
      files: device.files,
      slots: device.directory,
      ...machine.logs(),
      onResult: device.results.add,
    });
    const run = agent.run();
    expect(shown(await device.results.next())).to.deep.equal(['trusted']);
    await agent.disconnect();
    await run;
    const purposes = (await verifier.history('t-1')).map(({ purpose }) => purpose);
    expect(purposes).to.deep.equal(['gate', 'runtime']);
  });

  it('that boots one thing that is not listed gets that event named, with what a signer would have to sign (F-27)', async () => {
    await enrolled();
    expect(await rebooted([...FIRMWARE.slice(0, -1), BOOT_KIT])).to.deep.equal([
      'untrusted',
      'firmware.unlisted',
      'firmware.missing',
    ]);
    const finding = await explained('firmware.unlisted');
    expect(finding).to.deep.include({ event: 11, component: 'EV_EFI_BOOT_SERVICES_APPLICATION' });
    expect(finding.detail).to.include(`PCR 4, sha256 ${finding.found}`);
    expect(JSON.parse(finding.toSign ?? '')).to.deep.include({
      pcr: 4,
      type: 'EV_EFI_BOOT_SERVICES_APPLICATION',
      digest: finding.found,
    });
    expect(finding.next).to.include(finding.toSign ?? 'nothing');
    expect(await rebooted(), 'and is trusted again without it').to.deep.equal(['trusted']);
  });

  it('that shows a boot kit as a variable of the boot order is found out: the type is under no digest (F-27)', async () => {
    await enrolled();
    const { hashed, ...rest } = BOOT_KIT;
    const relabelled = { ...bootOrder(1), hashed: hashed ?? rest.data };
    expect(await rebooted([...FIRMWARE, relabelled])).to.deep.equal(['untrusted', 'firmware.unlisted']);
    expect((await explained('firmware.unlisted')).detail).to.include('not what its type promises');
  });

  it('that leaves events out of its log, or names others, does not lead to its quote (F-26)', async () => {
    await enrolled();
    writeFileSync(machine.firmwareLog, firmwareLog(FIRMWARE.slice(0, -1)));
    expect(await gate()).to.deep.equal(['untrusted', 'log.replay']);
    expect((await explained('log.replay')).detail).to.match(/^PCR 4 does not follow/);
    await device.powerOff();
    await machine.powerOn([...FIRMWARE.slice(0, -1), BOOT_KIT]);
    writeFileSync(machine.firmwareLog, firmwareLog([...FIRMWARE.slice(0, -1), LOADER]));
    expect(await gate()).to.deep.equal(['untrusted', 'log.replay']);
  });

  it('whose log ends in the middle of a record is refused with the offset (F-46)', async () => {
    await enrolled();
    writeFileSync(machine.firmwareLog, readFileSync(machine.firmwareLog).subarray(0, -5));
    expect(await gate()).to.deep.equal(['untrusted', 'firmware.malformed']);
    expect((await explained('firmware.malformed')).detail).to.match(/tcg-log\.truncated at byte \d+/);
  });

  it('that runs a file which is not listed gets it named, with path and digest', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    await machine.measures(file('/home/user/miner'));
    expect(await audited()).to.deep.equal(['untrusted', 'ima.unlisted']);
    const finding = await explained('ima.unlisted');
    expect(finding).to.deep.include({ event: 2, component: '/home/user/miner' });
    expect(JSON.parse(finding.toSign ?? '')).to.deep.equal({ path: '/home/user/miner', digests: [finding.found] });
    expect(await audited(), 'until a gate says otherwise').to.deep.equal(['untrusted', 'ima.unlisted']);
    await published(2, [...FILES, '/home/user/miner']);
    expect(await audited(), 'its maker signed it').to.deep.equal(['trusted']);
  });

  it('keeps its verdict only as long as its maker lists what it ran: a withdrawn digest is asked for again', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    await published(
      2,
      FILES.filter((path) => path !== '/sbin/init'),
    );
    expect(await audited()).to.deep.equal(['untrusted', 'ima.unlisted']);
    expect((await explained('ima.unlisted')).component).to.equal('/sbin/init');
  });

  it('whose release is listed no more is told so, and not that its log is wrong', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    const next = { ...device.install('b', 2), platform: platformOf(FILES) };
    await verifier.publish(manifestFor([next], { sequence: 2 }));
    await machine.measures(file('/usr/bin/daemon'));
    expect(await audited()).to.deep.equal(['untrusted', 'release.unknown']);
  });

  it('is untrusted for a violation, unless its maker takes violations, which shows', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    await machine.measures({ ...file('/sbin/init'), violation: true });
    expect(await audited()).to.deep.equal(['untrusted', 'ima.violation']);
    await published(2, FILES, { violations: true });
    expect(await audited()).to.deep.equal(['trusted']);
    expect(await verifier.verdict('t-1')).to.deep.equal(['trusted', 'firmware.volatile', 'ima.violations']);
  });

  it('may run anything below an exclude, and every result says so', async () => {
    await enrolled({ excludes: ['/var/tmp/'] });
    expect(await gate()).to.deep.equal(['trusted']);
    await machine.measures(file('/var/tmp/anything'));
    expect(await audited()).to.deep.equal(['trusted']);
    expect(await verifier.verdict('t-1')).to.deep.equal(['trusted', 'firmware.volatile', 'ima.excluded']);
    expect(await explained('ima.excluded')).to.deep.include({ component: '/var/tmp/anything' });
  });

  it('whose list is longer than its quote is trusted, but the next quote must cover what was seen (F-28)', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    const late = file('/usr/bin/daemon');
    machine.lists(late);
    expect(await audited(), 'the kernel extends after it lists').to.deep.equal(['trusted']);
    await machine.extends(late);
    expect(await audited()).to.deep.equal(['trusted']);
    machine.lists(late);
    expect(await audited()).to.deep.equal(['trusted']);
    expect(await audited(), 'a quote that stays behind').to.deep.equal(['untrusted', 'ima.behind']);
  });

  it('that hides an entry does not lead to its quote (F-26)', async () => {
    await enrolled();
    expect(await gate()).to.deep.equal(['trusted']);
    await machine.extends(file('/home/user/miner'));
    expect(await audited()).to.deep.equal(['untrusted', 'log.replay']);
    expect((await explained('log.replay')).detail).to.include('PCR 10');
  });

  it('without its logs is untrusted, and told which options name them', async () => {
    await enrolled();
    await device.powerOff();
    await device.powerOn();
    expect(await gate()).to.deep.equal(['untrusted', 'platform-log.missing']);
    expect((await explained('platform-log.missing')).next).to.include('--firmware-log');
  });

  it('with more log than the verifier takes is refused, and loses nothing by it (F-29)', async () => {
    const refused = new Promise((resolve) => {
      const log = {
        info: ({ code }: Readonly<Record<string, unknown>>) => code && resolve(code),
        warn: () => undefined,
      };
      void enrolled({}, [...QUIET, 'limits.maxPlatformLogBytes=4096'], { log }).then(async () => {
        await machine.measures(...Array.from({ length: 40 }, () => file('/sbin/init')));
        device.connect();
      });
    });
    expect(await refused).to.equal('limit.exceeded');
    expect(await verifier.verdict('t-1')).to.deep.equal(['unknown', 'enrolment.fresh']);
  });

  it('sends logs of many parts in their order', async () => {
    await enrolled({}, [...QUIET, 'limits.messageBurst=1000']);
    await machine.measures(...Array.from({ length: 2000 }, () => file('/sbin/init')));
    appendFileSync(machine.firmwareLog, new Uint8Array(120_000));
    expect(await gate()).to.deep.equal(['trusted']);
    await machine.measures(...Array.from({ length: 1000 }, () => file('/usr/bin/daemon')));
    expect(await audited()).to.deep.equal(['trusted']);
  });
});
