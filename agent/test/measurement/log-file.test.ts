import { EVENTS, encodeEvent, encodeRecord, type LogEvent, LogReplay, readRecords } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { TerminalDisk } from '../../src/fleet/power.ts';
import { LogFile } from '../../src/measurement/log-file.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import type { DurableFiles } from '../../src/storage/durable-files.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { afterResume } from '../platform/resuming-platform.ts';
import { expectRefusal } from '../refusal.ts';
import { CutFiles, LEFTOVERS, Power, PowerCut } from '../storage/cut-files.ts';

const AGENT = 'mtm-agent/test';

function audit(i: number): LogEvent {
  return { type: 'audit', nonce: new Uint8Array(32).fill(i), listDigest: new Uint8Array(32).fill(0xff - (i % 256)) };
}

function started(i: number): LogEvent {
  return { type: 'started', name: `component-${i}`, digest: new Uint8Array(32).fill(i) };
}

function recordOf(event: LogEvent): Uint8Array {
  return encodeRecord(EVENTS[event.type].pcrs[0] ?? 0, encodeEvent(event));
}

async function bytesOf(log: LogFile, from = 0, to = log.count): Promise<Uint8Array> {
  const slices: Uint8Array[] = [];
  for await (const slice of log.slices(from, to)) slices.push(slice);
  return Buffer.concat(slices);
}

/** Whether the log leads to the PCRs, as a verifier replays it. */
async function expectReplay(log: LogFile, platform: TrustedPlatform): Promise<void> {
  const replay = new LogReplay(nodeCrypto.sha256);
  replay.feed(await bytesOf(log));
  expect(replay.count).to.equal(log.count);
  expect(replay.values()).to.deep.equal(await platform.readPcrs());
}

/** A platform whose agent dies at an extend: before the TrE does it, or after. */
function dyingAt(platform: TrustedPlatform, extend: number, done: boolean): TrustedPlatform {
  let left = extend;
  return new Proxy(platform, {
    get: (target, name) => {
      if (name !== 'extend') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (pcr: number, digest: Uint8Array): Promise<void> => {
        if (left < 0) throw new PowerCut();
        left -= 1;
        if (left >= 0 || done) await target.extend(pcr, digest);
        if (left < 0) throw new PowerCut();
      };
    },
  });
}

/** Opens the log and adds events until something dies. @returns how many were acknowledged */
async function written(files: DurableFiles, platform: TrustedPlatform, events: number): Promise<number> {
  let acknowledged = 0;
  try {
    const log = await LogFile.open(files, platform, AGENT);
    acknowledged = log.count;
    while (acknowledged < events) {
      await log.append(acknowledged % 2 === 0 ? audit(acknowledged) : started(acknowledged));
      acknowledged += 1;
    }
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  return acknowledged;
}

describe('the event log on disk', () => {
  let disk: TerminalDisk;
  let platform: TrustedPlatform;

  beforeEach(async () => {
    disk = new TerminalDisk();
    platform = await disk.powerOn();
  });

  it('begins with the boot identity and leads to the PCRs, also after the agent was restarted', async () => {
    const log = await LogFile.open(disk.agent, platform, AGENT);
    await log.append(audit(1));
    await expectReplay(log, platform);
    const again = await LogFile.open(disk.agent, platform, AGENT);
    expect(again.count).to.equal(2);
    await again.append(started(2));
    await expectReplay(again, platform);
    expect([...again.logged.started]).to.deep.equal(['component-2']);
  });

  it('is begun anew by another boot, whatever the old one looks like', async () => {
    await written(disk.agent, platform, 10);
    platform = await disk.powerOn();
    const log = await LogFile.open(disk.agent, platform, AGENT);
    expect(log.count).to.equal(1);
    await expectReplay(log, platform);
    platform = await disk.powerOn();
    await disk.agent.replace('log.bin', new Uint8Array(50).fill(0xc1));
    await expectReplay(await LogFile.open(disk.agent, platform, AGENT), platform);
  });

  for (const leaves of LEFTOVERS) {
    it(`goes on wherever the agent dies at a write that leaves ${leaves}: one event ahead is extended, a torn one cut off`, async () => {
      const events = 6;
      for (let writes = 0; writes <= events + 1; writes++) {
        disk = new TerminalDisk();
        platform = await disk.powerOn();
        const power = new Power(writes, leaves);
        const acknowledged = await written(new CutFiles(disk.agent, power), platform, events);
        const log = await LogFile.open(disk.agent, platform, AGENT);
        expect(log.count, `write ${writes}`).to.be.within(Math.max(1, acknowledged), acknowledged + 1);
        await expectReplay(log, platform);
        await log.append(audit(99));
        await expectReplay(log, platform);
      }
    });
  }

  for (const done of [false, true]) {
    it(`goes on wherever the agent dies at an extend that the TrE ${done ? 'did' : 'never got'}`, async () => {
      for (let extend = 0; extend < 6; extend++) {
        disk = new TerminalDisk();
        platform = await disk.powerOn();
        const acknowledged = await written(disk.agent, dyingAt(platform, extend, done), 6);
        expect(acknowledged).to.equal(extend);
        const log = await LogFile.open(disk.agent, platform, AGENT);
        expect(log.count).to.equal(extend + 1);
        await expectReplay(log, platform);
      }
    });
  }

  it('is refused where it does not lead to the PCRs: two ahead, behind, changed, torn and ahead, or gone (F-26)', async () => {
    await written(disk.agent, platform, 4);
    const good = (await disk.agent.read('log.bin')) ?? expect.fail('no log');
    const last = recordOf(started(3)).length;
    const next = recordOf(audit(4));
    const flipped = Uint8Array.from(good, (byte, i) => (i === good.length - 1 ? byte ^ 1 : byte));
    for (const bad of [
      Buffer.concat([good, next, recordOf(started(5))]),
      good.subarray(0, good.length - last),
      good.subarray(0, good.length - 3),
      flipped,
      Buffer.concat([good, next, next.subarray(0, 9)]),
      Buffer.concat([good, Buffer.from('garbage')]),
      new Uint8Array(),
    ]) {
      await disk.agent.replace('log.bin', bad);
      await expectRefusal(() => LogFile.open(disk.agent, platform, AGENT), 'log.diverged');
      expect(await disk.agent.read('log.bin')).to.deep.equal(new Uint8Array(bad));
    }
    await disk.agent.remove('log.bin');
    await expectRefusal(() => LogFile.open(disk.agent, platform, AGENT), 'log.diverged');
    await disk.agent.replace('log.bin', good);
    await platform.extend(12, new Uint8Array(32));
    await expectRefusal(() => LogFile.open(disk.agent, platform, AGENT), 'log.diverged');
  });

  it('appends events that come at once one after the other, in the order of the PCRs', async () => {
    const log = await LogFile.open(disk.agent, platform, AGENT);
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.append(audit(i))));
    expect(log.count).to.equal(21);
    await expectReplay(log, platform);
  });

  it('appends nothing more once an event failed, until it is opened again', async () => {
    const log = await LogFile.open(disk.agent, dyingAt(platform, 1, false), AGENT);
    const appended = await Promise.allSettled([log.append(audit(1)), log.append(audit(2)), log.append(audit(3))]);
    expect(appended.map((one) => one.status)).to.deep.equal(['rejected', 'rejected', 'rejected']);
    await expectRefusal(() => log.append(audit(4)), 'log.stopped');
    const again = await LogFile.open(disk.agent, platform, AGENT);
    expect(again.count).to.equal(2);
    await expectReplay(again, platform);
  });

  it('names a Resume in the same log: a higher boot identity with the PCRs kept', async () => {
    await written(disk.agent, platform, 4);
    const resumed = afterResume(platform);
    const log = await LogFile.open(disk.agent, resumed, AGENT);
    expect(log.count).to.equal(5);
    await expectReplay(log, platform);
    expect((await LogFile.open(disk.agent, resumed, AGENT)).count).to.equal(5);
  });

  it('takes no event beyond its most, stays as it was, and opens again full, after a Resume too (F-29)', async () => {
    const log = await LogFile.open(disk.agent, platform, AGENT, 3);
    await log.append(audit(1));
    await log.append(audit(2));
    await expectRefusal(() => log.append(audit(3)), 'log.full');
    for (const found of [platform, afterResume(platform)]) {
      const again = await LogFile.open(disk.agent, found, AGENT, 3);
      await expectRefusal(() => again.append(audit(3)), 'log.full');
      expect(again.count).to.equal(3);
      await expectReplay(again, platform);
    }
    platform = await disk.powerOn();
    const next = await LogFile.open(disk.agent, platform, AGENT, 3);
    await next.append(audit(3));
    await expectReplay(next, platform);
  });

  it('gives any range of events as whole records, in slices of at most 48 KiB', async () => {
    const files = new MemoryFiles();
    const log = await LogFile.open(files, platform, AGENT);
    for (let i = 1; i < 1500; i++) await log.append(audit(i));
    const all = await bytesOf(log);
    expect(all).to.deep.equal(Buffer.from((await files.read('log.bin')) ?? []));
    for (const [from, to] of [
      [0, 1],
      [63, 65],
      [64, 64],
      [700, 1500],
      [1499, 1500],
      [1500, 1500],
      [3, 1400],
    ] as const) {
      let count = 0;
      let previous = from;
      for await (const slice of log.slices(from, to)) {
        expect(slice.length).to.be.within(1, 49_152);
        count += readRecords(slice, previous, (_pcr, content, index) => {
          if (index > 0) expect(content).to.deep.equal(new Uint8Array(encodeEvent(audit(index))));
        });
        previous = from + count;
      }
      expect(count, `${from} to ${to}`).to.equal(to - from);
    }
  });
});
