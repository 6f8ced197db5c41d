import { unlinkSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { type LogEvent, parseComponentList, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { type Booted, boot, startComponent } from '../../src/boot/sequence.ts';
import { TerminalDisk } from '../../src/fleet/power.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import type { DurableFiles } from '../../src/storage/durable-files.ts';
import { type Firmware, installFirmware } from '../firmware.ts';
import { dyingAtExtend } from '../platform/dying-agent.ts';
import { expectRefusal } from '../refusal.ts';
import { CutFiles, LEFTOVERS, Power, PowerCut } from '../storage/cut-files.ts';
import { loggedEvents, WHOLE_BOOT } from './logged-events.ts';

describe('a boot, and a component started after it', () => {
  let firmware: Firmware;
  let disk: TerminalDisk;
  let platform: TrustedPlatform;

  beforeEach(async () => {
    firmware = installFirmware();
    await powerOn();
  });

  afterEach(() => firmware.remove());

  async function powerOn(): Promise<void> {
    disk = new TerminalDisk();
    platform = await disk.powerOn();
  }

  function bootOn(files: DurableFiles = disk.agent, on: TrustedPlatform = platform): Promise<Booted> {
    return boot({ platform: on, files, slots: firmware.slots, version: 'mtm-agent/test' });
  }

  function eventsOf(booted: Booted): Promise<readonly LogEvent[]> {
    return loggedEvents(booted, platform);
  }

  async function auditedBy({ audited }: Booted): Promise<ReadonlyMap<string, string>> {
    const list = parseComponentList((await audited.measure()).bytes);
    return new Map(list.map(({ name, digest }) => [name, toHex(digest)]));
  }

  /** What a restarted agent finds: both the event and its place in the audit, or neither. */
  async function startedAfterRestart(): Promise<readonly string[]> {
    const again = await bootOn();
    const events = await eventsOf(again);
    const started = events.flatMap((event) => (event.type === 'started' ? [event.name] : []));
    expect(events.map(({ type }) => type)).to.deep.equal([...WHOLE_BOOT, ...started.map(() => 'started')]);
    expect([...(await auditedBy(again)).keys()]).to.deep.equal(
      ['app/main.bin', 'boot.bin', 'tre.bin', ...started].sort(),
    );
    return started;
  }

  async function dies(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return false;
    } catch (error) {
      if (error instanceof PowerCut) return true;
      throw error;
    }
  }

  for (const done of [false, true]) {
    it(`go on wherever the agent dies at an extend that the TrE ${done ? 'did' : 'never got'}: nothing is logged twice`, async () => {
      for (let extend = 0; extend < WHOLE_BOOT.length; extend++) {
        await powerOn();
        expect(await dies(() => bootOn(disk.agent, dyingAtExtend(platform, extend, done)))).to.equal(true);
        expect(await startedAfterRestart(), `extend ${extend}`).to.deep.equal([]);
      }
      await powerOn();
      const booted = await bootOn(disk.agent, dyingAtExtend(platform, WHOLE_BOOT.length, done));
      expect(await dies(() => startComponent(booted, disk.agent, 'usim.bin'))).to.equal(true);
      expect(await startedAfterRestart()).to.deep.equal(['usim.bin']);
    });
  }

  for (const leaves of LEFTOVERS) {
    it(`is started wholly or not at all where the agent dies at a write that leaves ${leaves}, and audited once started`, async () => {
      for (let writes = 0; ; writes++) {
        await powerOn();
        await bootOn();
        const power = new Power(writes, leaves);
        const files = new CutFiles(disk.agent, power);
        const booted = await bootOn(files);
        const died = await dies(() => startComponent(booted, files, 'usim.bin', firmware.path('boot.bin')));
        const started = await startedAfterRestart();
        if (!died) expect(started).to.deep.equal(['usim.bin']);
        expect(started.length).to.be.below(2);
        const digest = (await auditedBy(await bootOn())).get('usim.bin');
        if (started.length > 0) expect(digest).to.equal((await auditedBy(await bootOn())).get('boot.bin'));
        if (!power.off) {
          expect(writes).to.equal(2);
          return;
        }
      }
    });
  }

  it('is audited as what runs there now, or as absent, and as it was named before the agent moved to another directory', async () => {
    const booted = await bootOn();
    await startComponent(booted, disk.agent, 'usim.bin', relative(process.cwd(), firmware.path('usim.bin')));
    const before = (await auditedBy(booted)).get('usim.bin');
    expect(before).to.equal(
      toHex(firmware.components.find(({ name }) => name === 'usim.bin')?.digest ?? new Uint8Array()),
    );
    const home = process.cwd();
    process.chdir(dirname(firmware.path('app/main.bin')));
    try {
      expect((await auditedBy(await bootOn())).get('usim.bin')).to.equal(before);
    } finally {
      process.chdir(home);
    }
    writeFileSync(firmware.path('usim.bin'), 'altered');
    expect((await auditedBy(booted)).get('usim.bin')).not.to.equal(before);
    unlinkSync(firmware.path('usim.bin'));
    expect((await auditedBy(booted)).get('usim.bin')).to.equal('00'.repeat(32));
  });

  it('is refused under a name that no log can carry, before anything is logged, extended or audited (F-93)', async () => {
    const booted = await bootOn();
    const before = await platform.readPcrs();
    for (const name of ['', '.', '../usim.bin', '/usim.bin', 'a//b', 'a b', 'x'.repeat(129), 'usim.bin\0', '.hidden']) {
      await expectRefusal(() => startComponent(booted, disk.agent, name), 'component.name');
      await expectRefusal(() => startComponent(booted, disk.agent, name, firmware.path('usim.bin')), 'component.name');
    }
    expect(await platform.readPcrs()).to.deep.equal(before);
    expect([...(await auditedBy(booted)).keys()]).to.deep.equal(['app/main.bin', 'boot.bin', 'tre.bin']);
    expect(await startedAfterRestart()).to.deep.equal([]);
  });

  it('is not audited where it was not started, since the log would not name it', async () => {
    const booted = await bootOn(disk.agent, dyingAtExtend(platform, WHOLE_BOOT.length, false));
    expect(await dies(() => startComponent(booted, disk.agent, 'usim.bin'))).to.equal(true);
    expect([...(await auditedBy(booted)).keys()]).to.deep.equal(['app/main.bin', 'boot.bin', 'tre.bin']);
  });
});
