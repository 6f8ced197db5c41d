import { createHash } from 'node:crypto';
import {
  decodeEvent,
  encodeMessage,
  type LogEvent,
  LogReplay,
  MAX_SLICE_BYTES,
  type Message,
  parseAttest,
  parseSelectionText,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { bootStart } from '../../src/boot/boot-start.ts';
import { boot } from '../../src/boot/sequence.ts';
import { TerminalDisk } from '../../src/fleet/power.ts';
import { EvidenceSource } from '../../src/measurement/evidence.ts';
import type { PlatformLogs } from '../../src/measurement/platform-logs.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import { type Firmware, installFirmware } from '../firmware.ts';
import { expectRefusal } from '../refusal.ts';
import { firmwareLog, type Measured, measuredDigest } from './firmware-log.ts';

const SELECTION = parseSelectionText('sha256:0,4,5,10,11,12,13');
const MEASURED: readonly Measured[] = [
  [0, 'firmware'],
  [5, 'partitions'],
  [4, 'loader'],
];
const LOG = firmwareLog(MEASURED);

async function* once(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

function challengeOf(extra: Partial<Message<'challenge'>>): Message<'challenge'> {
  return {
    type: 'challenge',
    nonce: new Uint8Array(32).fill(1),
    purpose: 'gate',
    selection: writePcrSelection(SELECTION),
    cursor: { resetCount: 0, restartCount: 0, count: 0, prefix: new Uint8Array(16) },
    ...extra,
  };
}

describe('logs of the platform', () => {
  let firmware: Firmware;
  let disk: TerminalDisk;
  let platform: TrustedPlatform;

  beforeEach(async () => {
    firmware = installFirmware();
    disk = new TerminalDisk();
    platform = await disk.powerOn();
    for (const event of MEASURED) await platform.extend(event[0], measuredDigest(event));
  });

  afterEach(() => firmware.remove());

  async function booted(logs: PlatformLogs, on = platform): Promise<EvidenceSource> {
    const start = await bootStart(logs);
    const options = { platform: on, files: disk.agent, slots: firmware.slots, version: 'mtm-agent/test', start };
    return new EvidenceSource(on, disk.agent, await boot(options), logs);
  }

  async function answer(
    source: EvidenceSource,
    challenge: Message<'challenge'>,
  ): Promise<readonly [Message<'evidence'>, ...Message<'part'>[]]> {
    const messages: (Message<'evidence'> | Message<'part'>)[] = [];
    const context = { binding: { type: 'none' as const, value: new Uint8Array() }, audience: 'v', terminal: 't' };
    for await (const message of source.answer(challenge, encodeMessage(challenge), context)) messages.push(message);
    return messages as [Message<'evidence'>, ...Message<'part'>[]];
  }

  const kinds = (parts: readonly Message<'part'>[]): string =>
    parts.map(({ kind, last }) => `${kind}${last === true ? '.' : ''}`).join(' ');

  const ofKind = (parts: readonly Message<'part'>[], kind: string): Buffer =>
    Buffer.concat(parts.flatMap((part) => (part.kind === kind ? [part.body] : [])));

  it('say where our own log begins: it replays from there to the PCRs, before and after a restart of the agent', async () => {
    const logs: PlatformLogs = { firmware: () => once(LOG.subarray(0, 40), LOG.subarray(40)) };
    const { pcrs } = await bootStart(logs);
    const replay = new LogReplay(nodeCrypto.sha256, { count: 0, pcrs });
    for (let i = 0; i < 2; i++) {
      const [evidence] = await answer(await booted(logs), challengeOf({}));
      const again = new LogReplay(nodeCrypto.sha256, { count: 0, pcrs });
      again.feed(evidence.log);
      expect(again.values()).to.deep.equal(await platform.readPcrs());
      if (i === 0) replay.feed(evidence.log);
      else expect(again.count).to.equal(replay.count + 1);
    }
  });

  it('begin a new log with each boot', async () => {
    const logs: PlatformLogs = { firmware: () => once(LOG) };
    await booted(logs);
    platform = await disk.powerOn();
    for (const event of MEASURED) await platform.extend(event[0], measuredDigest(event));
    const [evidence] = await answer(await booted(logs), challengeOf({}));
    const types: LogEvent['type'][] = [];
    const { pcrs } = await bootStart(logs);
    new LogReplay(nodeCrypto.sha256, { count: 0, pcrs }).feed(evidence.log, (pcr, content) => {
      types.push(decodeEvent(pcr, content).type);
    });
    expect(types.filter((type) => type === 'boot')).to.have.length(1);
  });

  it('leave PCRs that are not ours to others, and PCR 10 to the kernel', async () => {
    const logs: PlatformLogs = { firmware: () => once(LOG), ima: () => once() };
    await booted(logs);
    await platform.extend(9, new Uint8Array(32).fill(1));
    await platform.extend(10, new Uint8Array(32).fill(1));
    await booted(logs);
    await platform.extend(11, new Uint8Array(32).fill(1));
    await expectRefusal(() => booted(logs), 'log.diverged');
  });

  it('of another bank, cut off or missing are refused before anything is logged', async () => {
    const sha1 = firmwareLog(MEASURED, '0400', '1400');
    await expectRefusal(() => bootStart({ firmware: () => once(sha1) }), 'platform.log');
    await expectRefusal(() => bootStart({ firmware: () => once(LOG.subarray(0, -1)) }), 'platform.log');
    await expectRefusal(() => bootStart({ firmware: () => once() }), 'platform.log');
  });

  it('go over before our own log, in parts, with the values that were quoted', async () => {
    const list = Buffer.alloc(MAX_SLICE_BYTES + 100, 7);
    const asked: number[] = [];
    const logs: PlatformLogs = {
      firmware: () => once(LOG),
      ima: (from) => {
        asked.push(from);
        return once(list.subarray(0, 1000), list.subarray(1000));
      },
    };
    const [evidence, ...parts] = await answer(await booted(logs), challengeOf({ firmware: true, ima: 0 }));
    expect(kinds(parts)).to.equal('firmware. ima ima. log. list.');
    expect(evidence).to.deep.include({ firmware: true, ima: true, moreLog: true, lists: 1 });
    expect(evidence.log).to.have.length(0);
    expect(ofKind(parts, 'firmware').equals(LOG)).to.equal(true);
    expect(ofKind(parts, 'ima').equals(list)).to.equal(true);
    expect(asked).to.deep.equal([0]);
    const { attested } = parseAttest(evidence.attest);
    const digest = createHash('sha256')
      .update(evidence.pcrs ?? '')
      .digest();
    expect(attested.type === 'quote' && digest.equals(attested.pcrDigest)).to.equal(true);
  });

  it('are sent only where they are asked for and there', async () => {
    const both = await booted({ firmware: () => once(LOG), ima: (from) => (from === 3 ? once() : once(LOG)) });
    const plain = await answer(both, challengeOf({}));
    expect(kinds(plain.slice(1) as Message<'part'>[])).to.equal('list.');
    expect(plain[0]).not.to.have.any.keys('pcrs', 'firmware', 'ima');
    const [nothingNew] = await answer(both, challengeOf({ ima: 3 }));
    expect(nothingNew).not.to.have.any.keys('firmware', 'ima', 'moreLog');
    expect(nothingNew.pcrs).to.have.length(SELECTION.flatMap(({ pcrs }) => pcrs).length * 32);
    expect(nothingNew.log.length).to.be.above(0);
    const start = await bootStart({ firmware: () => once(LOG), ima: () => once() });
    const options = { platform, files: disk.agent, slots: firmware.slots, version: 'mtm-agent/test', start };
    const none = new EvidenceSource(platform, disk.agent, await boot(options), {});
    const [without] = await answer(none, challengeOf({ firmware: true, ima: 0 }));
    expect(without).not.to.have.any.keys('firmware', 'ima');
    expect(without).to.have.property('pcrs');
  });

  it('an empty list goes over as one empty part where the whole of it is asked for', async () => {
    const source = await booted({ firmware: () => once(LOG), ima: () => once() });
    const [evidence, ...parts] = await answer(source, challengeOf({ ima: 0 }));
    expect(evidence.ima).to.equal(true);
    expect(kinds(parts)).to.equal('ima. log. list.');
    expect(ofKind(parts, 'ima')).to.have.length(0);
  });

  /** The kernel extends PCR 10 with every so many quotes. */
  function busy(moves: { before: number; after: number }): TrustedPlatform {
    return new Proxy(platform, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'quote') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return async (request: Parameters<TrustedPlatform['quote']>[0]) => {
          if (moves.before-- > 0) await target.extend(10, new Uint8Array(32));
          const quote = await target.quote(request);
          if (moves.after-- > 0) await target.extend(10, new Uint8Array(32));
          return quote;
        };
      },
    });
  }

  for (const [when, moves] of [
    ['before the quote', { before: 1, after: 0 }],
    ['after the quote', { before: 0, after: 1 }],
    ['before and after it, three times', { before: 3, after: 3 }],
  ] as const) {
    it(`the values are those of the quote where the kernel measures ${when}`, async () => {
      const source = await booted({ firmware: () => once(LOG), ima: () => once() }, busy({ ...moves }));
      const [evidence] = await answer(source, challengeOf({ ima: 0 }));
      const { attested } = parseAttest(evidence.attest);
      const digest = createHash('sha256')
        .update(evidence.pcrs ?? '')
        .digest();
      expect(attested.type === 'quote' && digest.equals(attested.pcrDigest)).to.equal(true);
    });
  }

  it('a kernel that never pauses is no reason to send values that were not quoted', async () => {
    const source = await booted({ firmware: () => once(LOG), ima: () => once() }, busy({ before: 99, after: 99 }));
    await expectRefusal(() => answer(source, challengeOf({ ima: 0 })), 'platform.unsettled');
  });
});
