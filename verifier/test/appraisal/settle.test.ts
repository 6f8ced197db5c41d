import { expect } from 'chai';
import type { AttestationResult } from '../../src/appraisal/appraise.ts';
import type { Condemnation } from '../../src/appraisal/condemnation.ts';
import { type Settled, type Settling, settle } from '../../src/appraisal/settle.ts';
import type { TerminalRecord } from '../../src/endpoint/terminal-record.ts';
import { admitted, audit, gate, NOW } from './appraisal.ts';
import { recordOf } from './record.ts';
import { TestTerminal } from './terminal.ts';

const GATE: Settling = { purpose: 'gate', at: NOW, referenceRevision: 1 };
const RUNTIME: Settling = { purpose: 'runtime', at: NOW + 1000, referenceRevision: 1 };
const MALFUNCTION: AttestationResult = {
  verdict: 'unknown',
  findings: [{ code: 'verifier.malfunction', detail: 'a defect' }],
  warnings: [],
  state: undefined,
  boot: { resetCount: 1, restartCount: 0 },
};

/** The row after a result. */
function after(record: TerminalRecord, result: AttestationResult, settling: Settling): TerminalRecord {
  return { ...record, ...settle(record, result, settling) };
}

/** A terminal that was admitted, and its row. */
function admittedTerminal(changes: Partial<TerminalRecord> = {}): { terminal: TestTerminal; record: TerminalRecord } {
  const terminal = new TestTerminal().bootRelease();
  const record = recordOf(terminal, {
    admission: 'admitted',
    lastAffirmedAt: NOW,
    accepted: admitted(terminal),
    ...changes,
  });
  return { terminal, record };
}

function acceptedOf({ accepted }: TerminalRecord): NonNullable<Settled['accepted']> {
  if (accepted === undefined) expect.fail('nothing accepted');
  return accepted;
}

describe('settle', () => {
  it('an affirming gate appraisal admits, clears what was pending or late, and keeps what was accepted', () => {
    const terminal = new TestTerminal().bootRelease();
    const result = gate(terminal);
    const record = recordOf(terminal, { pendingAt: NOW - 50, lateCode: 'challenge.expired' });
    expect(settle(record, result, GATE)).to.deep.equal({
      condemned: undefined,
      unknownCode: undefined,
      lastSeenAt: NOW,
      lastAffirmedAt: NOW,
      pendingAt: undefined,
      lateCode: undefined,
      info: [],
      admission: 'admitted',
      accepted: result.state,
      announcedBoot: undefined,
    });
  });

  it('an affirming audit keeps a terminal admitted, and admits none', () => {
    const { terminal, record } = admittedTerminal();
    const settled = settle(record, audit(terminal.copy(), acceptedOf(record)), RUNTIME);
    expect(settled.admission).to.equal('admitted');
    expect(settled.lastAffirmedAt).to.equal(NOW + 1000);
    const before = { ...record, admission: 'enrolled' } as const;
    expect(settle(before, audit(terminal, acceptedOf(record)), RUNTIME).admission).to.equal('enrolled');
  });

  it('an audit does not do for a new boot that is due at the gate', () => {
    const { terminal, record } = admittedTerminal({ pendingAt: NOW - 1 });
    expect(settle(record, audit(terminal, acceptedOf(record)), RUNTIME).pendingAt).to.equal(NOW - 1);
  });

  it('untrusted suspends, keeps the time of the last affirming evidence, and what came late', () => {
    const { terminal, record } = admittedTerminal({ lateCode: 'challenge.not-open' });
    terminal.change('boot.bin');
    const settled = settle(record, audit(terminal, acceptedOf(record)), RUNTIME);
    expect(settled.admission).to.equal('suspended');
    expect(settled.condemned?.codes).to.deep.equal(['component.digest']);
    expect(settled.lastAffirmedAt).to.equal(NOW);
    expect(settled.lateCode).to.equal('challenge.not-open');
    expect(settled.lastSeenAt).to.equal(NOW + 1000);
    expect(settled.accepted?.count).to.equal(terminal.count);
  });

  it('affirming evidence of a terminal that stays condemned affirms nothing', () => {
    const { terminal, record } = admittedTerminal();
    terminal.change('boot.bin');
    const condemned = after(record, audit(terminal, acceptedOf(record)), RUNTIME);
    terminal.bootRelease();
    terminal.boot = { resetCount: 1, restartCount: 0 };
    const settled = settle(condemned, { ...gate(new TestTerminal().bootRelease()), state: undefined }, GATE);
    expect(settled.condemned).to.equal(condemned.condemned);
    expect(settled.lastAffirmedAt).to.equal(NOW);
    expect(settled.admission).to.equal('suspended');
  });

  it('a gate appraisal of the next boot ends what the last one was condemned for', () => {
    const { terminal, record } = admittedTerminal();
    terminal.change('boot.bin');
    const condemned = after(record, audit(terminal, acceptedOf(record)), RUNTIME);
    const settled = settle(condemned, gate(terminal.bootRelease(), { previous: acceptedOf(condemned) }), GATE);
    expect(settled.condemned).to.equal(undefined);
    expect(settled.admission).to.equal('admitted');
    expect(settled.info).to.deep.equal(['boot.new']);
  });

  describe('unknown', () => {
    it('says why, and touches neither admission, nor condemnation, nor what is pending', () => {
      const { record } = admittedTerminal({ pendingAt: NOW - 1, lateCode: 'challenge.expired' });
      const settled = settle(record, MALFUNCTION, GATE);
      expect(settled.unknownCode).to.equal('verifier.malfunction');
      expect(settled.admission).to.equal('admitted');
      expect(settled.pendingAt).to.equal(NOW - 1);
      expect(settled.lateCode).to.equal('challenge.expired');
      expect(settled.lastAffirmedAt).to.equal(NOW);
      expect(settled.accepted).to.equal(record.accepted);
      expect(settled.condemned).to.equal(undefined);
    });

    it('ends with the next answer, of either kind', () => {
      const { terminal, record } = admittedTerminal({ unknownCode: 'reference.missing' });
      expect(settle(record, audit(terminal.copy(), acceptedOf(record)), RUNTIME).unknownCode).to.equal(undefined);
      terminal.change('boot.bin');
      expect(settle(record, audit(terminal, acceptedOf(record)), RUNTIME).unknownCode).to.equal(undefined);
    });

    it('has a reason even where appraisal gave none', () => {
      const { record } = admittedTerminal();
      expect(settle(record, { ...MALFUNCTION, findings: [] }, GATE).unknownCode).to.equal('verifier.malfunction');
    });

    it('after a reused token waits for a person, whatever evidence comes', () => {
      const { terminal, record } = admittedTerminal({ unknownCode: 'enrolment.token-reused' });
      for (const result of [audit(terminal, acceptedOf(record)), MALFUNCTION]) {
        expect(settle(record, result, RUNTIME).unknownCode).to.equal('enrolment.token-reused');
      }
    });

    it('does not skip events: they are appraised once the Reference Values are there again', () => {
      const { terminal, record } = admittedTerminal();
      terminal.start('rogue.bin');
      const blind = after(record, audit(terminal, acceptedOf(record), { reference: undefined }), RUNTIME);
      expect(blind.unknownCode).to.equal('reference.missing');
      terminal.running.delete('rogue.bin');
      const seeing = after(blind, audit(terminal, acceptedOf(blind)), RUNTIME);
      expect(seeing.condemned?.codes).to.deep.equal(['component.unlisted']);
    });
  });

  describe('what accompanies trusted', () => {
    it('tells a new boot, and a new release', () => {
      const { terminal, record } = admittedTerminal();
      const previous = acceptedOf(record);
      const rebooted = terminal.copy();
      expect(settle(record, gate(rebooted.bootRelease(1), { previous }), GATE).info).to.deep.equal(['boot.new']);
      expect(settle(record, gate(terminal.bootRelease(2), { previous }), GATE).info).to.deep.equal([
        'release.new',
        'boot.new',
      ]);
    });

    it('stays for the rest of the boot, and says nothing of a first one', () => {
      const { terminal, record } = admittedTerminal({ info: ['boot.new'] });
      expect(settle(record, audit(terminal, acceptedOf(record)), RUNTIME).info).to.deep.equal(['boot.new']);
      expect(settle(record, gate(terminal, { previous: acceptedOf(record) }), GATE).info).to.deep.equal(['boot.new']);
    });
  });

  describe('two holders of one identity (F-20)', () => {
    /** The copy was appraised at the gate of its next boot; then the original spoke in its old boot. */
    function broken(): { copy: TestTerminal; original: TestTerminal; record: TerminalRecord } {
      const { terminal: original, record } = admittedTerminal();
      const copy = original.copy().bootRelease();
      const moved = after(record, gate(copy, { previous: acceptedOf(record) }), GATE);
      const settled = after(moved, gate(original, { previous: acceptedOf(moved) }), GATE);
      return { copy, original, record: settled };
    }

    it('the first break is rolled-back; the accepted line stays where it was', () => {
      const { copy, record } = broken();
      expect(record.condemned?.codes).to.deep.equal(['identity.rolled-back']);
      expect(record.admission).to.equal('suspended');
      expect(record.accepted?.resetCount).to.equal(copy.boot.resetCount);
    });

    it('evidence on the accepted line then shows that both are alive', () => {
      const { copy, record } = broken();
      const settled = after(record, audit(copy, acceptedOf(record)), RUNTIME);
      expect(settled.condemned?.codes).to.deep.equal(['identity.diverged']);
      expect(settled.condemned?.endsBy).to.equal('enrolment');
      expect(settled.admission).to.equal('suspended');
      expect(settled.accepted?.count).to.equal(copy.count);
    });

    it('an old state that catches up boot by boot neither takes the line over nor counts as two', () => {
      const { original, record } = broken();
      original.bootRelease();
      original.auditCounter = 100n;
      let row = after(record, gate(original, { previous: acceptedOf(record), nonce: 10 }), GATE);
      expect(row.condemned?.codes, 'same boot, without the accepted events').to.deep.equal(['identity.rolled-back']);
      for (let i = 0; i < 2; i++) {
        original.bootRelease();
        row = after(row, gate(original, { previous: acceptedOf(row) }), GATE);
        expect(row.condemned?.codes).to.deep.equal(['identity.rolled-back']);
        expect(row.accepted).to.deep.equal(record.accepted);
        row = after(row, gate(original, { previous: acceptedOf(row) }), RUNTIME);
        expect(row.condemned?.codes).to.deep.equal(['identity.rolled-back']);
      }
    });
  });

  it('never makes lastSeenAt older', () => {
    const { terminal, record } = admittedTerminal({ lastSeenAt: NOW + 9999 });
    expect(settle(record, audit(terminal, acceptedOf(record)), RUNTIME).lastSeenAt).to.equal(NOW + 9999);
  });

  it('settles once more on a newer row: what the row became in between counts (state.conflict)', () => {
    const { terminal, record } = admittedTerminal();
    const result = audit(terminal, acceptedOf(record));
    const condemned: Condemnation = {
      codes: ['log.replay'],
      at: NOW,
      endsBy: 'boot',
      boot: { resetCount: 1, restartCount: 0 },
      referenceRevision: 1,
    };
    const newer = { ...record, version: 9, condemned, unknownCode: 'enrolment.token-reused' } as const;
    const settled = settle(newer, result, RUNTIME);
    expect(settled.condemned).to.equal(condemned);
    expect(settled.unknownCode).to.equal('enrolment.token-reused');
    expect(settled.lastAffirmedAt).to.equal(NOW);
  });
});
