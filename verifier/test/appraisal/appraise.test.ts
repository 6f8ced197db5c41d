import { expect } from 'chai';
import fc from 'fast-check';
import { type AttestationResult, appraise, CHECKS } from '../../src/appraisal/appraise.ts';
import type { Check } from '../../src/appraisal/check.ts';
import type { AcceptedState, AppraisalInput } from '../../src/appraisal/input.ts';
import { flipped } from '../mutation.ts';
import { admitted, audit, challengeOf, codesOf, gate, inputOf } from './appraisal.ts';
import { CHANNEL, TestTerminal } from './terminal.ts';

const SEED = 20_261;

/** A terminal that started a component since its gate appraisal, and the input of its audit. */
function honestAudit(): AppraisalInput {
  const terminal = new TestTerminal().bootRelease();
  const previous = admitted(terminal);
  terminal.start('usim.bin');
  const challenge = challengeOf('runtime', previous, 2);
  return inputOf(terminal, challenge, terminal.answer(challenge, CHANNEL, previous.count), { previous });
}

function honestGate(): AppraisalInput {
  const terminal = new TestTerminal().bootRelease();
  const challenge = challengeOf('gate');
  return inputOf(terminal, challenge, terminal.answer(challenge));
}

const HONEST: readonly (readonly [string, () => AppraisalInput])[] = [
  ['at the gate', honestGate],
  ['in an audit', honestAudit],
];

describe('appraise', () => {
  for (const [where, honest] of HONEST) {
    describe(where, () => {
      it('trusts honest evidence, and says where the log ends', () => {
        const input = honest();
        const result = appraise(input);
        expect(codesOf(result)).to.deep.equal([]);
        expect(result.verdict).to.equal('trusted');
        expect(result.boot).to.deep.equal({ resetCount: 1, restartCount: 0 });
        expect(result.state?.count).to.equal(input.log.count);
        expect(result.state?.pcrs).to.deep.equal(input.log.pcrs);
        expect(result.state?.release).to.equal(1);
        expect(result.state?.listDigest).to.deep.equal(input.log.lastAudit?.listDigest);
        expect(result.state?.auditCounter).to.equal(where === 'at the gate' ? 1n : 2n);
      });

      it('looks at nothing but its input: the same input gives the same result', () => {
        const input = honest();
        expect(appraise(input)).to.deep.equal(appraise(input));
      });

      for (const skipped of CHECKS) {
        it(`does not trust where nobody asked whether ${skipped.name} (F-79)`, () => {
          const result = appraise(
            honest(),
            CHECKS.filter((check) => check !== skipped),
          );
          expect(result.verdict).to.not.equal('trusted');
          expect(result.state).to.equal(undefined);
        });
      }

      for (const broken of CHECKS) {
        it(`is unknown, never trusted or untrusted, where the check throws whether ${broken.name} (F-79)`, () => {
          const result = appraise(
            honest(),
            CHECKS.map((check) => (check === broken ? thrower(check) : check)),
          );
          expectMalfunction(result, broken);
        });
      }

      it('is unknown where no check ran at all (F-79)', () => {
        expect(appraise(honest(), []).verdict).to.equal('unknown');
      });
    });
  }

  it('condemns for what other checks found, however many throw: a defect is no way round a verdict (F-79)', () => {
    const terminal = new TestTerminal().bootRelease(1, ['boot.bin']);
    const challenge = challengeOf('gate');
    const input = inputOf(terminal, challenge, terminal.answer(challenge));
    const last = CHECKS.find(({ name }) => name.includes('started and audited'));
    const result = appraise(
      input,
      CHECKS.map((check) => (check === last ? thrower(check) : check)),
    );
    expect(result.verdict).to.equal('untrusted');
    expect(codesOf(result)).to.deep.equal(['component.digest', 'verifier.malfunction']);
  });

  it('names the check that met a defect, whatever was thrown', () => {
    const thrown: Check = {
      name: 'the moon is full',
      stops: true,
      run: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- whatever a defect throws
        throw 'no moon';
      },
    };
    const result = appraise(honestGate(), [thrown]);
    expect(codesOf(result)).to.deep.equal(['verifier.malfunction']);
    expect(result.findings[0]?.detail).to.equal('the moon is full: no moon');
  });

  it('does not go past events that nobody could appraise: the next slice begins before them', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.start('rogue.bin');
    const blind = audit(terminal, previous, { reference: undefined });
    expect(blind.verdict).to.equal('unknown');
    expect(codesOf(blind)).to.deep.equal(['reference.missing']);
    expect(blind.state).to.equal(undefined);
  });

  it('advances the log of a terminal that is untrusted: only a whole log ends that', () => {
    const terminal = new TestTerminal().bootRelease();
    const previous = admitted(terminal);
    terminal.change('boot.bin');
    const result = audit(terminal, previous);
    expect(codesOf(result)).to.deep.equal(['component.digest']);
    expect(result.state?.count).to.equal(terminal.count);
  });

  it('one flipped bit anywhere in quote, signature or claims is never trusted', () => {
    for (const [, honest] of HONEST) {
      const input = honest();
      for (const field of ['attest', 'signature', 'claims'] as const) {
        const bytes = input.evidence[field];
        for (let bit = 0; bit < 8 * bytes.length; bit++) {
          const result = appraise({ ...input, evidence: { ...input.evidence, [field]: flipped(bytes, bit) } });
          expect(result.verdict, `${field}, bit ${bit}`).to.equal('untrusted');
          expect(result.state, `${field}, bit ${bit}`).to.equal(undefined);
        }
      }
    }
  });

  it('one flipped bit anywhere in the log is never trusted', () => {
    const terminal = new TestTerminal().bootRelease();
    const challenge = challengeOf('gate');
    const answer = terminal.answer(challenge);
    for (let bit = 0; bit < 8 * answer.log.length; bit++) {
      const result = appraise(inputOf(terminal, challenge, { ...answer, log: flipped(answer.log, bit) }));
      expect(result.verdict, `bit ${bit}`).to.equal('untrusted');
      expect(['log.replay', 'evidence.malformed'], `bit ${bit}`).to.include(codesOf(result)[0]);
    }
  });

  it('events left out, doubled or exchanged are never trusted (F-26)', () => {
    const terminal = new TestTerminal().bootRelease();
    const challenge = challengeOf('gate');
    const answer = terminal.answer(challenge);
    const records = Array.from({ length: terminal.count }, (_, i) => terminal.log(i, i + 1));
    const order = fc.array(fc.nat(records.length - 1), { maxLength: records.length + 2 });
    fc.assert(
      fc.property(order, (indices) => {
        const log = new Uint8Array(Buffer.concat(indices.map((i) => records[i] ?? new Uint8Array())));
        const result = appraise(inputOf(terminal, challenge, { ...answer, log }));
        const whole = [...indices].sort((a, b) => a - b).join() === records.map((_, i) => i).join();
        if (whole) expect(['trusted', 'untrusted']).to.include(result.verdict);
        else expect(codesOf(result)).to.deep.equal(['log.replay']);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('honest evidence is trusted whatever was started and audited before', () => {
    const step = fc.constantFrom('start', 'audit', 'foreign audit');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const terminal = new TestTerminal().bootRelease();
        let previous = admitted(terminal);
        for (const one of steps) {
          if (one === 'start') terminal.start('usim.bin');
          else if (one === 'foreign audit') terminal.answer(challengeOf('runtime', previous, 77));
          else previous = accepted(audit(terminal, previous));
        }
        accepted(audit(terminal, previous));
        expect(gate(terminal, { previous }).verdict).to.equal('trusted');
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});

function accepted({ verdict, state, findings }: AttestationResult): AcceptedState {
  expect(findings).to.deep.equal([]);
  expect(verdict).to.equal('trusted');
  if (state === undefined) expect.fail('no state');
  return state;
}

function thrower(check: Check): Check {
  return {
    ...check,
    run: () => {
      throw new Error('a defect');
    },
  };
}

function expectMalfunction(result: AttestationResult, { name }: Check): void {
  expect(result.verdict).to.equal('unknown');
  expect(codesOf(result)).to.deep.equal(['verifier.malfunction']);
  expect(result.findings[0]?.detail).to.equal(`${name}: a defect`);
  expect(result.state).to.equal(undefined);
}
