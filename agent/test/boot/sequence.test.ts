import { cpSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, type LogEvent, parseComponentList, resetPcrs } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { type Booted, boot, startComponent } from '../../src/boot/sequence.ts';
import { TerminalDisk } from '../../src/fleet/power.ts';
import { ListFiles } from '../../src/measurement/list-files.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import type { DurableFiles } from '../../src/storage/durable-files.ts';
import { type Firmware, installFirmware } from '../firmware.ts';
import { afterResume } from '../platform/resuming-platform.ts';
import { expectRefusal } from '../refusal.ts';
import { CutFiles, LEFTOVERS, Power, PowerCut } from '../storage/cut-files.ts';
import { loggedEvents, WHOLE_BOOT } from './logged-events.ts';

describe('the measured boot', () => {
  let firmware: Firmware;
  let disk: TerminalDisk;
  let platform: TrustedPlatform;

  beforeEach(async () => {
    firmware = installFirmware();
    disk = new TerminalDisk();
    platform = await disk.powerOn();
  });

  afterEach(() => firmware.remove());

  function bootOn(files: DurableFiles = disk.agent): Promise<Booted> {
    return boot({ platform, files, slots: firmware.slots, version: 'mtm-agent/test' });
  }

  function eventsOf(booted: Booted): Promise<readonly LogEvent[]> {
    return loggedEvents(booted, platform);
  }

  async function auditedBy({ audited }: Booted): Promise<readonly string[]> {
    return parseComponentList((await audited.measure()).bytes).map(({ name }) => name);
  }

  it('logs and extends the boot identity, the release, each boot component and its completion', async () => {
    const booted = await bootOn();
    const events = await eventsOf(booted);
    expect(events.map(({ type }) => type)).to.deep.equal(WHOLE_BOOT);
    const measured = events.flatMap((event) => (event.type === 'component' ? [event] : []));
    const listed = firmware.components.filter(({ phase }) => phase === 'boot');
    expect(measured.map(({ name, digest }) => [name, digest])).to.deep.equal(
      listed.map(({ name, digest }) => [name, digest]),
    );
    expect(await auditedBy(booted)).to.deep.equal(['app/main.bin', 'boot.bin', 'tre.bin']);
  });

  it('is not repeated when the agent alone was restarted, and knows what was started since', async () => {
    const booted = await bootOn();
    await startComponent(booted, disk.agent, 'usim.bin');
    await startComponent(booted, disk.agent, 'other.bin', firmware.path('boot.bin'));
    writeFileSync(firmware.path('tre.bin'), 'changed since');
    const again = await bootOn();
    const types = [...WHOLE_BOOT, 'started', 'started'];
    expect((await eventsOf(again)).map(({ type }) => type)).to.deep.equal(types);
    expect(await auditedBy(again)).to.deep.equal(['app/main.bin', 'boot.bin', 'other.bin', 'tre.bin', 'usim.bin']);
    expect((await again.audited.measure()).digest).to.deep.equal((await booted.audited.measure()).digest);
  });

  for (const leaves of LEFTOVERS) {
    it(`that was cut short at a write leaving ${leaves} goes on after its last logged component`, async () => {
      for (let writes = 0; ; writes++) {
        disk = new TerminalDisk();
        platform = await disk.powerOn();
        const power = new Power(writes, leaves);
        await bootOn(new CutFiles(disk.agent, power)).catch((error: unknown) => {
          if (!(error instanceof PowerCut)) throw error;
        });
        const events = await eventsOf(await bootOn());
        expect(
          events.map(({ type }) => type),
          `write ${writes}`,
        ).to.deep.equal(WHOLE_BOOT);
        if (!power.off) {
          expect(writes).to.be.above(WHOLE_BOOT.length);
          return;
        }
      }
    });
  }

  it('keeps its slot while an update moves the pointer; the reboot takes the new one', async () => {
    expect((await bootOn()).slot.name).to.equal('a');
    updateToSlotB();
    expect((await bootOn()).slot.name).to.equal('a');
    platform = await disk.powerOn();
    const booted = await bootOn();
    expect(booted.slot.name).to.equal('b');
    expect((await eventsOf(booted)).map(({ type }) => type)).to.deep.equal(WHOLE_BOOT);
  });

  /** Release 1 is in slot b too, and the pointer names it. */
  function updateToSlotB(): void {
    cpSync(join(firmware.slots, 'a'), join(firmware.slots, 'b'), { recursive: true });
    writeFileSync(join(firmware.slots, 'boot'), 'b\n');
  }

  it('lasts through a Resume: slot, lists and what was started stay, the log names the new boot identity, once (F-22)', async () => {
    const before = await bootOn();
    await startComponent(before, disk.agent, 'usim.bin');
    const list = await before.audited.measure();
    await new ListFiles(disk.agent).keep(list);
    updateToSlotB();
    platform = afterResume(platform);
    for (const agent of ['the one that finds the Resume', 'the next one']) {
      const booted = await bootOn();
      expect(booted.slot.name, agent).to.equal('a');
      const events = await eventsOf(booted);
      expect(events.map(({ type }) => type)).to.deep.equal([...WHOLE_BOOT, 'started', 'boot']);
      expect(events.at(-1)).to.include({ resetCount: 1, restartCount: 1 });
      expect((await booted.audited.measure()).digest).to.deep.equal(list.digest);
      expect(await new ListFiles(disk.agent).read(list.digest)).to.deep.equal(list.bytes);
    }
    platform = await disk.powerOn();
    expect((await bootOn()).slot.name).to.equal('b');
  });

  for (const leaves of LEFTOVERS) {
    it(`that a Resume fell into goes on from its slot, wherever writes end leaving ${leaves}, before it and after it`, async () => {
      for (let writes = 1; ; writes++) {
        disk = new TerminalDisk();
        platform = await disk.powerOn();
        writeFileSync(join(firmware.slots, 'boot'), 'a\n');
        const dies = async (left: number): Promise<boolean> => {
          const power = new Power(left, leaves);
          await bootOn(new CutFiles(disk.agent, power)).catch((error: unknown) => {
            if (!(error instanceof PowerCut)) throw error;
          });
          return power.off;
        };
        const cut = await dies(writes);
        const begun = !equalBytes(await platform.readPcrs(), resetPcrs());
        updateToSlotB();
        platform = afterResume(platform);
        await dies(0);
        const booted = await bootOn();
        const types = (await eventsOf(booted)).map(({ type }) => type);
        expect(booted.slot.name, `write ${writes}`).to.equal(begun ? 'a' : 'b');
        expect(types.filter((type) => type === 'boot')).to.have.length(begun ? 2 : 1);
        const [first, ...others] = types;
        expect([first, ...others.filter((type) => type !== 'boot')]).to.deep.equal(WHOLE_BOOT);
        if (!cut) return;
      }
    });
  }

  it('is refused where its PCRs are extended and nothing says which slot booted: no other slot is audited in its place', async () => {
    await bootOn();
    updateToSlotB();
    await disk.agent.remove('booted.json');
    await expectRefusal(() => bootOn(), 'boot.record');
  });

  it('forgets at a reboot what was started before it', async () => {
    await startComponent(await bootOn(), disk.agent, 'usim.bin');
    platform = await disk.powerOn();
    expect(await auditedBy(await bootOn())).to.deep.equal(['app/main.bin', 'boot.bin', 'tre.bin']);
  });

  it('measures a component that is missing as absent, rather than passing it over', async () => {
    unlinkSync(firmware.path('boot.bin'));
    const events = await eventsOf(await bootOn());
    const absent = events.filter((event) => event.type === 'component' && event.digest.every((byte) => byte === 0));
    expect(absent).to.have.length(1);
  });

  it('is refused where the slot, its release or the record of the boot cannot be read', async () => {
    writeFileSync(join(firmware.slots, 'a', 'release.json'), '{"release": 2}');
    await expectRefusal(() => bootOn(), 'slot.manifest');
    writeFileSync(join(firmware.slots, 'a', 'manifest.bin'), 'none');
    await expectRefusal(() => bootOn(), 'slot.manifest');
    writeFileSync(join(firmware.slots, 'boot'), 'c\n');
    platform = await disk.powerOn();
    await expectRefusal(() => bootOn(), 'slot.unreadable');
    await disk.agent.replace('booted.json', Buffer.from('{'));
    await expectRefusal(() => bootOn(), 'boot.record');
  });
});
