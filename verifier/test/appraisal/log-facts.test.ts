import { encodeRecord, LogReplay, toHex } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import fc from 'fast-check';
import { LogFold, type LogStart } from '../../src/appraisal/log-facts.ts';
import { challengeOf } from './appraisal.ts';
import { TestTerminal } from './terminal.ts';

const SEED = 20_262;
const { sha256 } = nodeCrypto;

function fold(slices: readonly Uint8Array[], start?: LogStart, prefixAt?: number): LogFold {
  const folded = new LogFold(sha256, start, prefixAt);
  for (const slice of slices) folded.feed(slice);
  return folded;
}

/** The state after the first so many events. */
function stateAt(terminal: TestTerminal, count: number): LogStart {
  const replay = new LogReplay(sha256);
  replay.feed(terminal.log(0, count));
  return { count, pcrs: replay.values() };
}

/** A terminal with a history of starts and audits of changing sets. */
function busyTerminal(rounds = 8): TestTerminal {
  const terminal = new TestTerminal().bootRelease();
  for (let round = 0; round < rounds; round++) {
    terminal.start(`part-${round}.bin`);
    terminal.answer(challengeOf('gate', undefined, round));
  }
  return terminal;
}

describe('LogFold', () => {
  it('cut into slices at any events, gives the same facts as the whole log', () => {
    const terminal = busyTerminal();
    const whole = fold([terminal.log()]).facts();
    expect(whole.pcrs).to.deep.equal(terminal.pcrs);
    fc.assert(
      fc.property(fc.array(fc.nat(terminal.count), { maxLength: 6 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), terminal.count];
        const slices = edges.slice(1).map((to, i) => terminal.log(edges[i], to));
        expect(fold(slices).facts()).to.deep.equal(whole);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it('going on from the state at any event, comes to the same values, and tells the rest of the story', () => {
    const terminal = busyTerminal();
    const whole = fold([terminal.log()]).facts();
    const ready = 6;
    for (let from = ready; from <= terminal.count; from++) {
      const facts = fold([terminal.log(from)], stateAt(terminal, from)).facts();
      expect(facts.pcrs).to.deep.equal(whole.pcrs);
      expect(facts.count).to.equal(whole.count);
      expect(facts.from).to.equal(from);
      expect(facts.ready).to.equal(true);
      expect(facts.problems).to.deep.equal([]);
      expect(facts.started).to.deep.equal(whole.started.filter(({ event }) => event >= from));
      expect(facts.components).to.deep.equal([]);
      if (from < terminal.count) expect(facts.lastAudit).to.deep.equal(whole.lastAudit);
    }
  });

  it('remembers the values at the prefix that was asked for, wherever slices are cut', () => {
    const terminal = busyTerminal(3);
    for (let at = 0; at <= terminal.count; at++) {
      const expected = stateAt(terminal, at).pcrs;
      for (let cut = 0; cut <= terminal.count; cut += 3) {
        const facts = fold([terminal.log(0, cut), terminal.log(cut)], undefined, at).facts();
        expect(facts.prefixPcrs).to.deep.equal(expected);
      }
    }
    expect(fold([terminal.log()], undefined, terminal.count + 1).facts().prefixPcrs).to.equal(undefined);
    expect(fold([terminal.log()]).facts().prefixPcrs).to.equal(undefined);
  });

  it('remembers them even where that event is none', () => {
    const terminal = new TestTerminal().bootRelease();
    terminal.appendContent(14, Uint8Array.of(1));
    expect(fold([terminal.log()], undefined, terminal.count).facts().prefixPcrs).to.deep.equal(terminal.pcrs);
  });

  it('names lists once each, in the order of their first mention', () => {
    const terminal = busyTerminal(3);
    terminal.answer(challengeOf('gate', undefined, 9));
    const facts = fold([terminal.log()]).facts();
    expect([...facts.listDigests.keys()]).to.deep.equal([...terminal.lists.keys()]);
    expect(facts.listDigests.size).to.equal(3);
    expect(toHex(facts.lastAudit?.listDigest ?? new Uint8Array())).to.equal([...terminal.lists.keys()].at(-1));
  });

  it('keeps copies: a slice may be overwritten afterwards (F-48)', () => {
    const terminal = busyTerminal(2);
    const slice = terminal.log();
    const folded = fold([slice]);
    slice.fill(0);
    expect(folded.facts()).to.deep.equal(fold([terminal.log()]).facts());
  });

  it('reads nothing after bytes that are no records, in later slices either (F-29)', () => {
    const terminal = busyTerminal(2);
    const folded = fold([terminal.log(0, 6), Uint8Array.of(0xff), terminal.log(6)]);
    const facts = folded.facts();
    expect(facts.malformed).to.match(/log\.malformed/);
    expect(facts.count).to.equal(6);
    expect(fold([terminal.log(0, 6).subarray(0, -1)]).facts().malformed).to.match(/log\.truncated/);
  });

  it('reads no more once it keeps no more problems, and replays all the same (F-54)', () => {
    const terminal = new TestTerminal().bootRelease();
    for (let i = 0; i < 40; i++) terminal.appendContent(0, Uint8Array.of(0xc1));
    terminal.answer(challengeOf('gate'));
    const { problems, pcrs, count, lastAudit } = fold([terminal.log()]).facts();
    expect(problems).to.have.length(16);
    expect(lastAudit, 'after the sixteenth').to.equal(undefined);
    expect([count, pcrs]).to.deep.equal([terminal.count, terminal.pcrs]);
  });

  it('keeps a bounded number of lists and components, and says so: that is a limit, not a fault (F-29)', () => {
    const many = new TestTerminal().bootRelease();
    for (let i = 0; i < 64; i++) {
      many.start(`part-${i}.bin`);
      many.answer(challengeOf('gate', undefined, i));
    }
    expect(fold([many.log()]).exceeded).to.equal(false);
    many.start('part-64.bin');
    many.answer(challengeOf('gate', undefined, 64));
    const folded = fold([many.log()]);
    expect(folded.exceeded).to.equal(true);
    expect(folded.facts().problems).to.deep.equal([]);
    expect(folded.facts().listDigests.size).to.equal(64);

    const starts = new TestTerminal().bootRelease();
    for (let i = 0; i < 8193; i++) starts.start('usim.bin');
    const crowded = fold([starts.log()]);
    expect(crowded.exceeded).to.equal(true);
    expect(crowded.facts().started.length).to.equal(8192);
  });

  it('takes any bytes at all without throwing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), fc.nat(23), (contents, pcr) => {
        const records = contents.filter(({ length }) => length > 0).map((content) => encodeRecord(pcr, content));
        const facts = fold(records).facts();
        expect(facts.malformed).to.equal(undefined);
        expect(facts.count).to.equal(records.length);
        expect(fold(contents).facts().count).to.be.at.most(contents.length * 80);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
