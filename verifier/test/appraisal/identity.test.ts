import { expect } from 'chai';
import { type AttestationResult, appraise } from '../../src/appraisal/appraise.ts';
import { admitted, audit, challengeOf, codesOf, gate, inputOf } from './appraisal.ts';
import { CHANNEL, TestTerminal } from './terminal.ts';

function expectBreak(result: AttestationResult, why: RegExp): void {
  expect(codesOf(result)).to.deep.equal(['identity.rolled-back']);
  expect(result.findings[0]?.detail).to.match(why);
  expect(result.verdict).to.equal('untrusted');
  expect(result.state, 'another holder must not move the accepted line').to.equal(undefined);
}

describe('the platform did not go back behind the accepted state', () => {
  it('resetCount lower: rolled back, whatever the log says (F-20, F-23)', () => {
    const terminal = new TestTerminal().bootRelease();
    const old = terminal.copy();
    terminal.bootRelease();
    const previous = admitted(terminal);
    old.auditCounter = 50n;
    expectBreak(gate(old, { previous }), /resetCount/);
  });

  it('everything zero after a Clear: rolled back (F-23)', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    const cleared = new TestTerminal();
    cleared.append({ type: 'boot', resetCount: 0, restartCount: 0, agent: 'test/1' });
    expectBreak(gate(cleared, { previous }), /resetCount/);
  });

  it('restartCount lower at the same resetCount: rolled back (F-22)', () => {
    const terminal = new TestTerminal().bootRelease();
    const old = terminal.copy();
    terminal.boot = { resetCount: 1, restartCount: 3 };
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    const previous = admitted(terminal);
    old.auditCounter = 50n;
    old.boot = { resetCount: 1, restartCount: 2 };
    expectBreak(gate(old, { previous }), /restartCount/);
  });

  it('a higher resetCount is a later boot, with whatever restartCount and clock (F-22)', () => {
    const terminal = new TestTerminal().bootRelease();
    terminal.boot = { resetCount: 1, restartCount: 3 };
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    const previous = admitted(terminal);
    terminal.bootRelease();
    terminal.clock = 0n;
    expect(gate(terminal, { previous }).verdict).to.equal('trusted');
  });

  it('clock lower in the same boot: rolled back where the clock is safe', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.clock = previous.clock - 11n;
    expectBreak(audit(terminal, previous), /clock/);
  });

  it('clock lower in the same boot says nothing where the clock is not safe: after an unclean stop it may lag', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.clock = previous.clock - 11n;
    terminal.safe = false;
    const result = audit(terminal, previous);
    expect(result.verdict).to.equal('trusted');
    expect(result.state?.safe).to.equal(false);
  });

  it('clock lower after a restart of the same reset: rolled back where the clock is safe, for there it goes on', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.restartRelease();
    terminal.clock = previous.clock - 11n;
    const lagging = terminal.copy();
    expectBreak(gate(terminal, { previous }), /clock/);
    lagging.safe = false;
    expect(gate(lagging, { previous }).verdict).to.equal('trusted');
  });

  it('the same clock once more is no break', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.clock = previous.clock - 10n;
    expect(audit(terminal, previous).verdict).to.equal('trusted');
  });

  for (const counter of [0n, 1n]) {
    it(`an audit counter of ${counter} after 1 was accepted: rolled back, in a later boot too (F-20)`, () => {
      const terminal = new TestTerminal().bootRelease();
      const previous = admitted(terminal);
      expect(previous.auditCounter).to.equal(1n);
      expectBreak(audit(terminal.copy(), previous, {}, { auditCounter: counter }), /audit counter/);
      terminal.bootRelease();
      expectBreak(gate(terminal, { previous }, { auditCounter: counter }), /audit counter/);
    });
  }

  it('gaps in the audit counter are evidence that was lost, or another operator’s: no break', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.auditCounter = 1_000_000n;
    const result = audit(terminal, previous);
    expect(result.verdict).to.equal('trusted');
    expect(result.state?.auditCounter).to.equal(1_000_001n);
  });

  it('is judged only on a quote that verified for the open challenge', () => {
    const terminal = new TestTerminal().bootRelease();
    const old = terminal.copy();
    terminal.bootRelease();
    const previous = admitted(terminal);
    expect(codesOf(gate(old, { previous }, { signer: old.session }))).to.deep.equal(['signature.invalid']);
    const other = { context: { challengeDigest: new Uint8Array(32) } };
    expect(codesOf(gate(old, { previous }, other))).to.deep.equal(['context.mismatch']);
  });
});

describe('a whole log of the accepted boot contains the accepted events', () => {
  it('takes a whole log that goes on from them', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.start('usim.bin');
    expect(gate(terminal, { previous }).verdict).to.equal('trusted');
  });

  it('lacks them: a copy of before, whose counter ran ahead (F-20)', () => {
    const terminal = new TestTerminal().bootRelease();
    const copy = terminal.copy();
    terminal.start('usim.bin');
    const previous = admitted(terminal);
    copy.auditCounter = 90n;
    copy.clock = previous.clock + 1000n;
    expectBreak(gate(copy, { previous }), /lacks/);
  });

  it('is longer than they are and lacks them all the same (F-20)', () => {
    const terminal = new TestTerminal().bootRelease();
    const copy = terminal.copy();
    const previous = admitted(terminal);
    copy.auditCounter = 90n;
    for (let i = 0; i < 5; i++) copy.answer(challengeOf('runtime', previous, 40 + i));
    expectBreak(gate(copy, { previous }), /lacks/);
  });

  it('a slice on another line does not replay: that is the log, not the identity (F-20)', () => {
    const terminal = new TestTerminal().bootRelease();
    const copy = terminal.copy();
    const previous = admitted(terminal);
    copy.auditCounter = 90n;
    copy.answer(challengeOf('gate', undefined, 9));
    const result = audit(copy, previous);
    expect(codesOf(result)).to.deep.equal(['log.replay']);
    expect(result.state).to.equal(undefined);
  });

  it('says nothing of another boot', () => {
    const terminal = new TestTerminal().bootRelease();
    terminal.start('usim.bin');
    const previous = admitted(terminal);
    expect(gate(terminal.bootRelease(), { previous }).verdict).to.equal('trusted');
  });

  it('a Resume goes on in the log of its reset, named once more (F-22)', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.boot = { resetCount: 1, restartCount: 1 };
    expect(codesOf(gate(terminal.copy(), { previous })), 'not named').to.deep.equal(['log.order']);
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    const result = gate(terminal, { previous });
    expect(result.verdict).to.equal('trusted');
    expect(result.boot).to.deep.equal({ resetCount: 1, restartCount: 1 });
  });

  it('accepted events that are none cannot be lacked', () => {
    const terminal = new TestTerminal().bootRelease();
    const state = admitted(terminal.copy());
    const previous = { ...state, count: 0, pcrs: new TestTerminal().pcrs, auditCounter: 0n, clock: 0n };
    expect(gate(terminal, { previous }).verdict).to.equal('trusted');
    const challenge = challengeOf('runtime', previous);
    expect(challenge.wholeLog).to.equal(true);
    expect(appraise(inputOf(terminal, challenge, terminal.answer(challenge, CHANNEL), { previous })).verdict).to.equal(
      'trusted',
    );
  });
});
