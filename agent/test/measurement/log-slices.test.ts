import { encodeEvent, encodeRecord, type LogEvent, LogReplay, readRecords } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import fc from 'fast-check';
import { TerminalDisk } from '../../src/fleet/power.ts';
import { LogFile } from '../../src/measurement/log-file.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { expectRefusal } from '../refusal.ts';

const SEED = 4_242;
const AGENT = 'mtm-agent/test';
const EVENTS = 700;
const MAX_SLICE = 49_152;

/** Events whose records take from 73 to 170 bytes. */
function eventOf(i: number): LogEvent {
  const digest = new Uint8Array(32).fill(i);
  if (i % 3 === 0) return { type: 'audit', nonce: digest, listDigest: new Uint8Array(32).fill(i * 7) };
  return { type: 'started', name: `component/${'x'.repeat(i % 97)}${i}`, digest };
}

async function slicesOf(log: LogFile, from: number, to: number): Promise<readonly Uint8Array[]> {
  const slices: Uint8Array[] = [];
  for await (const slice of log.slices(from, to)) slices.push(slice.slice());
  return slices;
}

describe('slices of the event log', () => {
  const files = new MemoryFiles();
  let platform: TrustedPlatform;
  let log: LogFile;
  /** offset of event i in the file, and the file's end */
  const offsets: number[] = [0];

  before(async () => {
    platform = await new TerminalDisk().powerOn();
    log = await LogFile.open(files, platform, AGENT);
    for (let i = 1; i < EVENTS; i++) await log.append(eventOf(i));
    const whole = (await files.read('log.bin')) ?? expect.fail('no log');
    readRecords(whole, 0, (_pcr, content) => {
      offsets.push(content.byteOffset - whole.byteOffset + content.length);
    });
    expect(offsets).to.have.length(EVENTS + 1);
  });

  it(`are the very bytes of the events asked for, wherever the log is cut, before and after a restart (seed ${SEED})`, async () => {
    const whole = Buffer.from((await files.read('log.bin')) ?? []);
    const logs = [log, await LogFile.open(files, platform, AGENT)];
    const cut = fc.nat(EVENTS);
    await fc.assert(
      fc.asyncProperty(cut, cut, fc.constantFrom(...logs), async (a, b, one) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const slices = await slicesOf(one, from, to);
        for (const slice of slices) expect(slice.length).to.be.within(1, MAX_SLICE);
        expect(Buffer.concat(slices)).to.deep.equal(whole.subarray(offsets[from], offsets[to]));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it(`lead to the PCRs, taken one part after the other (seed ${SEED})`, async () => {
    const pcrs = await platform.readPcrs();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(EVENTS), { maxLength: 6 }), async (cuts) => {
        const replay = new LogReplay(nodeCrypto.sha256);
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), EVENTS]) {
          for (const slice of await slicesOf(log, from, to)) replay.feed(slice);
          expect(replay.count).to.equal(to);
          from = to;
        }
        expect(replay.values()).to.deep.equal(pcrs);
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  it('end where the quote was taken, whatever is appended while they are read', async () => {
    const to = log.count;
    const slices = log.slices(0, to);
    const first = await slices.next();
    const read = first.done === true ? [] : [first.value.slice()];
    await log.append(eventOf(to));
    for await (const slice of slices) read.push(slice.slice());
    expect(Buffer.concat(read)).to.have.length(offsets[to] ?? 0);
  });

  it('hold no event twice and none from beyond the end', async () => {
    const { count } = log;
    expect(await slicesOf(log, count, count)).to.deep.equal([]);
    expect(await slicesOf(log, count, count + 10)).to.deep.equal([]);
  });
});

describe('a last record that was torn', () => {
  it('is cut off at whatever byte it ends, and the log goes on', async () => {
    const event = eventOf(50);
    const record = encodeRecord(12, encodeEvent(event));
    for (let kept = 1; kept < record.length; kept++) {
      const disk = new TerminalDisk();
      const platform = await disk.powerOn();
      await (await LogFile.open(disk.agent, platform, AGENT)).append(eventOf(3));
      const good = (await disk.agent.read('log.bin')) ?? expect.fail('no log');
      await disk.agent.append('log.bin', record.subarray(0, kept));
      const log = await LogFile.open(disk.agent, platform, AGENT);
      expect(log.count, `${kept} bytes`).to.equal(2);
      expect(await disk.agent.read('log.bin')).to.deep.equal(good);
      await log.append(event);
      const replay = new LogReplay(nodeCrypto.sha256);
      for (const slice of await slicesOf(log, 0, 3)) replay.feed(slice);
      expect(replay.values()).to.deep.equal(await platform.readPcrs());
    }
  });

  it('is not what a changed one is: a record that was extended may have no other byte, its length included (F-26)', async () => {
    const disk = new TerminalDisk();
    const platform = await disk.powerOn();
    const log = await LogFile.open(disk.agent, platform, AGENT);
    const start = ((await disk.agent.read('log.bin')) ?? expect.fail('no log')).length;
    await log.append(eventOf(50));
    const good = (await disk.agent.read('log.bin')) ?? expect.fail('no log');
    for (let i = start; i < good.length; i++) {
      for (const bit of [0x01, 0x20]) {
        await disk.agent.replace(
          'log.bin',
          good.map((byte, j) => (i === j ? byte ^ bit : byte)),
        );
        await expectRefusal(() => LogFile.open(disk.agent, platform, AGENT), 'log.diverged');
      }
    }
    await disk.agent.replace('log.bin', good);
    expect((await LogFile.open(disk.agent, platform, AGENT)).count).to.equal(2);
  });
});
