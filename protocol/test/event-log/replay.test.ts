import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { encodeEvent } from '../../src/event-log/event.ts';
import { encodeRecord } from '../../src/event-log/record.ts';
import { LogReplay, PCR_BYTES, PCR_COUNT, prefixDigest, resetPcrs } from '../../src/event-log/replay.ts';
import { flipped } from '../mutation.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { BOOT, logOf, placedEvents, recordOf } from './events.ts';

const SEED = 40_202;
const { sha256 } = nodeCrypto;
const RECORDS = BOOT.map(recordOf);

const logs = fc.array(placedEvents, { minLength: 1, maxLength: 20 });

function valuesOf(...slices: readonly Uint8Array[]): string {
  const replay = new LogReplay(sha256);
  for (const slice of slices) replay.feed(slice);
  return toHex(replay.values());
}

/** The same values by the standard's own words: PCRnew := H(PCRold || H(content)). */
function extendedByHand(records: readonly (readonly [pcr: number, content: Uint8Array])[]): string {
  const pcrs = Array.from({ length: 24 }, (_, i) => Buffer.alloc(32, i >= 17 && i <= 22 ? 0xff : 0));
  for (const [pcr, content] of records) {
    const digest = createHash('sha256').update(content).digest();
    pcrs[pcr] = createHash('sha256')
      .update(pcrs[pcr] ?? Buffer.alloc(0))
      .update(digest)
      .digest();
  }
  return Buffer.concat(pcrs).toString('hex');
}

describe('the replay of an event log', () => {
  it('begins at the reset values and extends the digest of each content, type included', () => {
    expect(valuesOf()).to.equal(extendedByHand([]));
    expect(valuesOf(logOf(RECORDS))).to.equal(extendedByHand(BOOT.map(([pcr, event]) => [pcr, encodeEvent(event)])));
    const property = fc.property(logs, (events) => {
      const expected = extendedByHand(events.map(([pcr, event]) => [pcr, encodeEvent(event)]));
      expect(valuesOf(logOf(events.map(recordOf)))).to.equal(expected);
    });
    fc.assert(property, { seed: SEED });
  });

  it('gives the same values with both implementations of SHA-256 (F-65)', () => {
    const replay = new LogReplay(nobleCrypto.sha256);
    replay.feed(logOf(RECORDS));
    expect(toHex(replay.values())).to.equal(valuesOf(logOf(RECORDS)));
  });

  it('in slices equals the whole, wherever whole records are divided', () => {
    const property = fc.property(logs, fc.array(fc.nat(20), { maxLength: 4 }), (events, cuts) => {
      const records = events.map(recordOf);
      const borders = [0, ...cuts.map((cut) => cut % (records.length + 1)).sort((a, b) => a - b), records.length];
      const slices = borders.slice(1).map((to, i) => logOf(records.slice(borders[i], to)));
      expect(valuesOf(...slices)).to.equal(valuesOf(logOf(records)));
    });
    fc.assert(property, { seed: SEED });
  });

  it('goes on from a stored state as if it had never stopped', () => {
    for (let at = 0; at <= RECORDS.length; at++) {
      const before = new LogReplay(sha256);
      before.feed(logOf(RECORDS.slice(0, at)));
      const after = new LogReplay(sha256, { count: before.count, pcrs: before.values() });
      const indices: number[] = [];
      after.feed(logOf(RECORDS.slice(at)), (_pcr, _content, index) => indices.push(index));
      expect(toHex(after.values())).to.equal(valuesOf(logOf(RECORDS)));
      expect(after.count).to.equal(RECORDS.length);
      expect(indices).to.deep.equal(RECORDS.slice(at).map((_, i) => at + i));
    }
  });

  it('leads elsewhere once an event is left out, doubled or exchanged with another of its PCR (F-26)', () => {
    const whole = valuesOf(logOf(RECORDS));
    const property = fc.property(logs, fc.nat(), fc.nat(), (events, i, j) => {
      const records = events.map(recordOf);
      const a = i % records.length;
      const b = j % records.length;
      const good = valuesOf(logOf(records));
      expect(valuesOf(logOf(records.toSpliced(a, 1)))).to.not.equal(good);
      expect(valuesOf(logOf(records.toSpliced(a, 0, records[a] ?? new Uint8Array())))).to.not.equal(good);
      const exchanged = records.with(a, records[b] ?? new Uint8Array()).with(b, records[a] ?? new Uint8Array());
      const noticed =
        events[a]?.[0] === events[b]?.[0] &&
        toHex(records[a] ?? new Uint8Array()) !== toHex(records[b] ?? new Uint8Array());
      if (noticed && isNextInPcr(events, a, b)) expect(valuesOf(logOf(exchanged))).to.not.equal(good);
    });
    fc.assert(property, { seed: SEED });
    for (let cut = 0; cut < RECORDS.length; cut++) expect(valuesOf(logOf(RECORDS.slice(0, cut)))).to.not.equal(whole);
  });

  it('leads elsewhere with events of another boot spliced in (F-26)', () => {
    const property = fc.property(logs, logs, fc.nat(), fc.nat(), (mine, others, from, to) => {
      const records = mine.map(recordOf);
      const foreign = others.map(recordOf);
      const a = from % records.length;
      const b = a + 1 + (to % (records.length - a));
      const spliced = [...records.slice(0, a), ...foreign, ...records.slice(b)];
      const same = toHex(logOf(spliced)) === toHex(logOf(records));
      if (!same && !permuted(mine, [...mine.slice(0, a), ...others, ...mine.slice(b)])) {
        expect(valuesOf(logOf(spliced))).to.not.equal(valuesOf(logOf(records)));
      }
    });
    fc.assert(property, { seed: SEED });
  });

  it('leads elsewhere once an event is relabelled or moved to another PCR (F-27)', () => {
    const whole = valuesOf(logOf(RECORDS));
    for (const [i, [pcr, event]] of BOOT.entries()) {
      const content = encodeEvent(event);
      for (let number = 0; number < 16; number++) {
        const relabelled = content.with(1, number);
        if (toHex(relabelled) === toHex(content)) continue;
        expect(valuesOf(logOf(RECORDS.with(i, encodeRecord(pcr, relabelled))))).to.not.equal(whole);
      }
      for (let other = 0; other < PCR_COUNT; other++) {
        if (other !== pcr) expect(valuesOf(logOf(RECORDS.with(i, encodeRecord(other, content))))).to.not.equal(whole);
      }
    }
  });

  it('leads elsewhere or is refused with any one bit of the log flipped (F-26, F-27)', () => {
    const good = logOf(RECORDS);
    const whole = valuesOf(good);
    for (let bit = 0; bit < 8 * good.length; bit++) {
      expect(
        unlessRefused(() => valuesOf(flipped(good, bit))),
        `bit ${bit}`,
      ).to.not.equal(whole);
    }
  });

  it('has replayed the records before a fault, and no more', () => {
    const replay = new LogReplay(sha256);
    const torn = logOf(RECORDS).subarray(0, logOf(RECORDS.slice(0, 3)).length + 4);
    expectRefusal(
      () => {
        replay.feed(torn);
      },
      'log.truncated',
      logOf(RECORDS.slice(0, 3)).length,
    );
    expect(replay.count).to.equal(3);
    expect(toHex(replay.values())).to.equal(valuesOf(logOf(RECORDS.slice(0, 3))));
  });

  it('keeps its values to itself (F-48)', () => {
    const start = { count: 0, pcrs: resetPcrs() };
    const replay = new LogReplay(sha256, start);
    replay.values().fill(7);
    start.pcrs.fill(7);
    expect(replay.values()).to.deep.equal(resetPcrs());
    expect(resetPcrs()).to.have.length(PCR_COUNT * PCR_BYTES);
  });
});

describe('the digest of a prefix', () => {
  it('is the first half of SHA-256 over label, count and all values', () => {
    const pcrs = resetPcrs().fill(3, 0, 32);
    const count = Buffer.alloc(8);
    count.writeBigUInt64BE(41n);
    const hash = createHash('sha256')
      .update('mtm-attest/v1 prefix\0', 'latin1')
      .update(count)
      .update(pcrs)
      .digest('hex');
    expect(toHex(prefixDigest(41, pcrs, sha256))).to.equal(hash.slice(0, 32));
  });

  it('differs for another count and for any other value (F-26, F-67)', () => {
    const pcrs = resetPcrs();
    const good = toHex(prefixDigest(8, pcrs, sha256));
    expect(toHex(prefixDigest(9, pcrs, sha256))).to.not.equal(good);
    for (let pcr = 0; pcr < PCR_COUNT; pcr++) {
      expect(toHex(prefixDigest(8, flipped(pcrs, 8 * pcr * PCR_BYTES), sha256))).to.not.equal(good);
    }
  });
});

type Placed = readonly (readonly [pcr: number, event: unknown])[];

/** Whether no event of that PCR lies between the two, so that an exchange of theirs is one of order alone. */
function isNextInPcr(events: Placed, a: number, b: number): boolean {
  const [from, to] = a < b ? [a, b] : [b, a];
  return events.slice(from + 1, to).every(([pcr]) => pcr !== events[a]?.[0]);
}

/** Whether two logs have the same events in the same order in every PCR: events of different PCRs may change places. */
function permuted(a: Placed, b: Placed): boolean {
  const byPcr = (events: Placed): string =>
    JSON.stringify(
      Array.from({ length: PCR_COUNT }, (_, pcr) => events.filter(([one]) => one === pcr)),
      (_key, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value),
    );
  return byPcr(a) === byPcr(b);
}
