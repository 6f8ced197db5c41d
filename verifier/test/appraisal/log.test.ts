import { encodeCanonical, encodeEvent, type LogEvent } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { type AttestationResult, appraise } from '../../src/appraisal/appraise.ts';
import { admitted, audit, challengeOf, codesOf, gate, inputOf } from './appraisal.ts';
import { CHANNEL, TestTerminal } from './terminal.ts';

const booted = (): TestTerminal => new TestTerminal().bootRelease();

/** A whole log other than the terminal's own under its genuine quote. */
function withLog(log: (terminal: TestTerminal) => Uint8Array): AttestationResult {
  const terminal = booted();
  const challenge = challengeOf('gate');
  const answer = terminal.answer(challenge);
  return appraise(inputOf(terminal, challenge, { ...answer, log: log(terminal) }));
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

describe('the quoted PCR values follow from the log', () => {
  const attacks: readonly (readonly [string, (terminal: TestTerminal) => Uint8Array])[] = [
    ['without its end', (terminal) => terminal.log(0, terminal.count - 1)],
    ['without an event in the middle', (terminal) => join(terminal.log(0, 3), terminal.log(4))],
    ['without its beginning', (terminal) => terminal.log(1)],
    ['that is empty', () => new Uint8Array()],
    ['with one event twice', (terminal) => join(terminal.log(), terminal.log(2, 3))],
    ['of another boot', () => booted().bootRelease().log()],
    ['spliced from two boots', (terminal) => join(booted().bootRelease(2).log(0, 4), terminal.log(4))],
  ];
  for (const [what, log] of attacks) {
    it(`refuses a log ${what} (F-26)`, () => {
      const result = withLog(log);
      expect(codesOf(result)).to.deep.equal(['log.replay']);
      expect(result.verdict).to.equal('untrusted');
      expect(result.state).to.equal(undefined);
      expect(result.boot, 'the quote itself holds').to.deep.equal({ resetCount: 1, restartCount: 0 });
    });
  }

  it('refuses an event whose type or label was changed afterwards (F-27)', () => {
    const terminal = booted();
    const challenge = challengeOf('gate');
    terminal.start('usim.bin');
    const answer = terminal.answer(challenge);
    const [at, end] = [terminal.count - 2, terminal.count - 1];
    for (const name of ['usim.bip', 'app.bin']) {
      const other = new TestTerminal();
      other.start(name);
      const log = join(terminal.log(0, at), other.log(), terminal.log(end));
      expect(codesOf(appraise(inputOf(terminal, challenge, { ...answer, log })))).to.deep.equal(['log.replay']);
    }
    const other = new TestTerminal();
    other.append({ type: 'component', name: 'usim.bin', digest: new Uint8Array(32) }, 11);
    const log = join(terminal.log(0, at), other.log(), terminal.log(end));
    expect(codesOf(appraise(inputOf(terminal, challenge, { ...answer, log })))).to.deep.equal(['log.replay']);
  });

  it('refuses an extend that went past the log, as good values extended anew after a reset would be (F-21)', () => {
    const terminal = booted();
    terminal.extend(12, new Uint8Array(32).fill(1));
    expect(codesOf(gate(terminal))).to.deep.equal(['log.replay']);
  });

  it('refuses a slice that begins behind the cursor, and one that begins before it', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    terminal.start('usim.bin');
    for (const from of [previous.count - 1, previous.count + 1, 0]) {
      const copy = terminal.copy();
      const challenge = challengeOf('runtime', previous, 2);
      const answer = copy.answer(challenge, CHANNEL, from);
      const result = appraise(inputOf(copy, challenge, answer, { previous }));
      expect(codesOf(result), `from ${from}`).to.deep.equal(['log.replay']);
    }
  });

  it('takes nothing for granted after bytes that are no records (F-29)', () => {
    for (const junk of [Uint8Array.of(0), Uint8Array.of(0x92, 24, 0xc4, 1, 0), Uint8Array.of(0x92, 11)]) {
      const result = withLog((terminal) => join(terminal.log(), junk));
      expect(codesOf(result)).to.deep.equal(['evidence.malformed']);
    }
  });

  it('does not let an event that follows the quote pass: no bad tail waits behind it (F-28)', () => {
    const terminal = booted();
    const challenge = challengeOf('gate');
    const answer = terminal.answer(challenge);
    terminal.start('usim.bin');
    expect(codesOf(appraise(inputOf(terminal, challenge, { ...answer, log: terminal.log() })))).to.deep.equal([
      'log.replay',
    ]);
  });
});

/** an event in its own PCR, or in another */
type Told = LogEvent | readonly [LogEvent, number];

describe('the events are those of one complete boot', () => {
  /** A boot that is told event by event. */
  function tell(...events: readonly Told[]): readonly string[] {
    const terminal = new TestTerminal();
    terminal.powerOn();
    for (const event of events) {
      if ('type' in event) terminal.append(event);
      else terminal.append(...event);
    }
    return codesOf(gate(terminal)).filter((code) => !code.startsWith('component.'));
  }
  const boot: LogEvent = { type: 'boot', resetCount: 1, restartCount: 0, agent: 'test/1' };
  const release: LogEvent = { type: 'release', release: 1, manifestDigest: new Uint8Array(32) };
  const component = [{ type: 'component', name: 'tre.bin', digest: new Uint8Array(32) }, 0] as const;
  const ready: LogEvent = { type: 'ready' };
  const started: LogEvent = { type: 'started', name: 'usim.bin', digest: new Uint8Array(32) };

  it('says nothing against one', () => {
    expect(tell(boot, release, component, ready, started)).to.deep.equal([]);
  });

  const disorders: readonly (readonly [string, readonly Told[], readonly string[]])[] = [
    ['that does not begin with its identity', [release, boot, ready], ['log.order']],
    ['that never names its identity', [release, component, ready], ['log.order', 'log.order']],
    ['that names another boot than the quote (F-26)', [{ ...boot, resetCount: 2 }, release, ready], ['log.order']],
    ['that names its boot, then another', [boot, release, ready, { ...boot, restartCount: 1 }], ['log.order']],
    ['with two releases (F-34)', [boot, release, { ...release, release: 2 }, ready], ['log.order']],
    ['with the release after its end', [boot, ready, release], ['log.order']],
    ['without release', [boot, ready], ['log.order']],
    ['with a boot component after its end', [boot, release, ready, component], ['log.order']],
    ['with two ends', [boot, release, ready, ready], ['log.order']],
    ['with a start before its end', [boot, release, started, ready], ['log.order']],
    ['without end', [boot, release, component], ['boot.incomplete']],
  ];
  for (const [what, events, codes] of disorders) {
    it(`refuses a boot ${what}`, () => {
      expect(tell(...events)).to.deep.equal(codes);
    });
  }

  it('finds what no appraisal knows, and points to it (F-27)', () => {
    const unknown: readonly (readonly [string, number, Uint8Array])[] = [
      ['an event of a number that is none', 11, encodeCanonical([99])],
      ['no event at all', 14, nodeCrypto.sha256(new Uint8Array())],
      ['an event in a PCR that is not its own', 12, encodeEvent(ready)],
      ['an event with a field too many', 11, encodeCanonical([4, 1])],
    ];
    for (const [what, pcr, content] of unknown) {
      const terminal = booted();
      terminal.appendContent(pcr, content);
      const result = gate(terminal);
      expect(codesOf(result), what).to.deep.equal(['log.event']);
      expect(result.findings[0]?.event, what).to.equal(terminal.count - 2);
    }
  });

  it('finds them in a slice too, and a second boot in it', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    const resumed = terminal.copy();
    terminal.append({ type: 'component', name: 'tre.bin', digest: new Uint8Array(32) }, 0);
    expect(codesOf(audit(terminal, previous))).to.deep.equal(['log.order']);
    resumed.append({ ...boot, restartCount: 1 });
    expect(codesOf(audit(resumed, previous))).to.deep.equal(['log.order']);
  });

  it('reports the first problems of very many, and stays untrusted', () => {
    const terminal = booted();
    for (let i = 0; i < 100; i++) terminal.append(ready);
    const result = gate(terminal);
    expect(codesOf(result)).to.deep.equal(Array.from({ length: 16 }, () => 'log.order'));
    expect(result.verdict).to.equal('untrusted');
  });
});

describe('the last audit was made for this challenge', () => {
  it('takes audits for other challenges before it: evidence that was lost, another operator’s', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    for (let i = 0; i < 3; i++) terminal.answer(challengeOf('runtime', previous, 50 + i));
    expect(audit(terminal, previous).verdict).to.equal('trusted');
  });

  it('refuses one for another challenge at the end, and its absence', () => {
    const nonce = new Uint8Array(32).fill(3);
    const terminal = booted();
    const { digest: listDigest } = terminal.list();
    const foreign = gate(terminal.copy(), {}, { audit: { event: { type: 'audit', nonce, listDigest } } });
    expect(codesOf(foreign)).to.include('audit.not-fresh');
    const absent = gate(terminal.copy(), {}, { audit: { event: undefined } });
    expect(codesOf(absent)).to.deep.equal(['audit.not-fresh']);
    expect(absent.verdict).to.equal('untrusted');
  });

  it('refuses a slice without audit though the one before it was fresh', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    expect(codesOf(audit(terminal, previous, {}, { audit: { event: undefined } }))).to.deep.equal(['audit.not-fresh']);
  });

  it('takes what is logged after it in the same slice into account', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    const challenge = challengeOf('runtime', previous, 2);
    const list = terminal.list();
    terminal.append({ type: 'audit', nonce: challenge.nonce, listDigest: list.digest });
    const event: LogEvent = { type: 'started', name: 'rogue.bin', digest: new Uint8Array(32) };
    const answer = terminal.answer(challenge, CHANNEL, previous.count, { audit: { event } });
    expect(codesOf(appraise(inputOf(terminal, challenge, answer, { previous })))).to.deep.equal(['component.unlisted']);
  });
});
