import { type BootIdentity, REASONS, type ReasonCode } from '@mtm-attest/protocol';
import { expect } from 'chai';
import type { AttestationResult } from '../../src/appraisal/appraise.ts';
import { type Circumstances, type Condemnation, condemnationAfter } from '../../src/appraisal/condemnation.ts';
import { acceptedState } from '../store/fixture.ts';

const boot = (resetCount: number, restartCount = 0): BootIdentity => ({ resetCount, restartCount });

function found(codes: readonly ReasonCode[], of?: BootIdentity): AttestationResult {
  const findings = codes.map((code) => ({ code, detail: 'for a test' }));
  return { verdict: 'untrusted', findings, warnings: [], state: undefined, boot: of };
}

const affirming = (of: BootIdentity): AttestationResult => ({
  verdict: 'trusted',
  findings: [],
  warnings: [],
  state: { ...acceptedState(1), ...of },
  boot: of,
});

function circumstances(changes: Partial<Circumstances> = {}): Circumstances {
  return { purpose: 'gate', now: 2000, referenceRevision: 1, lastBoot: boot(5), ...changes };
}

function pronounced(codes: readonly ReasonCode[], of: BootIdentity | undefined = boot(5)): Condemnation {
  const condemned = condemnationAfter(undefined, found(codes, of), circumstances({ now: 1000 }));
  if (condemned === undefined) expect.fail('not condemned');
  return condemned;
}

const BOOT: readonly ReasonCode[] = codesOfKind('boot');
const REFERENCE: readonly ReasonCode[] = codesOfKind('reference');

function codesOfKind(kind: string): readonly ReasonCode[] {
  return (Object.keys(REASONS) as ReasonCode[]).filter((code) => REASONS[code].kind === kind);
}

describe('condemnationAfter', () => {
  it('knows codes of both kinds', () => {
    expect(BOOT).to.include.members(['log.replay', 'context.mismatch', 'signature.invalid', 'evidence.malformed']);
    expect(REFERENCE).to.include.members(['component.digest', 'release.expired', 'release.below-minimum']);
  });

  for (const code of BOOT) {
    it(`${code} ends with an affirming gate appraisal of a later boot, and with nothing else`, () => {
      const before = pronounced([code]);
      expect(before).to.deep.equal({ codes: [code], at: 1000, endsBy: 'boot', boot: boot(5), referenceRevision: 1 });
      const kept = [
        circumstances({ purpose: 'gate' }),
        circumstances({ purpose: 'runtime' }),
        circumstances({ purpose: 'gate', referenceRevision: 9 }),
      ];
      for (const one of kept) expect(condemnationAfter(before, affirming(boot(5)), one)).to.equal(before);
      expect(condemnationAfter(before, affirming(boot(6)), circumstances({ purpose: 'runtime' }))).to.equal(before);
      expect(condemnationAfter(before, affirming(boot(6)), circumstances())).to.equal(undefined);
      expect(condemnationAfter(before, affirming(boot(5, 1)), circumstances())).to.equal(undefined);
    });
  }

  for (const code of REFERENCE) {
    it(`${code} ends at the gate, in the same boot too once the Reference Values changed`, () => {
      const before = pronounced([code]);
      expect(before.endsBy).to.equal('reference');
      expect(condemnationAfter(before, affirming(boot(5)), circumstances())).to.equal(before);
      const changed = circumstances({ referenceRevision: 2 });
      expect(condemnationAfter(before, affirming(boot(5)), { ...changed, purpose: 'runtime' })).to.equal(before);
      expect(condemnationAfter(before, affirming(boot(5)), changed)).to.equal(undefined);
      expect(condemnationAfter(before, affirming(boot(6)), circumstances())).to.equal(undefined);
    });
  }

  it('an unknown result touches nothing', () => {
    const unknown: AttestationResult = {
      verdict: 'unknown',
      findings: [],
      warnings: [],
      state: undefined,
      boot: boot(9),
    };
    const before = pronounced(['log.replay']);
    expect(condemnationAfter(before, unknown, circumstances())).to.equal(before);
    expect(condemnationAfter(undefined, unknown, circumstances())).to.equal(undefined);
  });

  it('an affirming result condemns nobody', () => {
    expect(condemnationAfter(undefined, affirming(boot(5)), circumstances())).to.equal(undefined);
  });

  it('of findings of several kinds the severest decides', () => {
    expect(pronounced(['component.digest', 'log.order']).endsBy).to.equal('boot');
    expect(pronounced(['component.digest', 'release.expired']).endsBy).to.equal('reference');
    expect(pronounced(['component.digest', 'identity.rolled-back']).endsBy).to.equal('enrolment');
  });

  it('names each code once, no code about the verifier itself, and 16 at most', () => {
    expect(pronounced(['component.digest', 'verifier.malfunction', 'component.digest']).codes).to.deep.equal([
      'component.digest',
    ]);
    expect(pronounced([...BOOT, ...REFERENCE]).codes.length).to.equal(16);
  });

  it('a newer finding replaces an older one', () => {
    const before = pronounced(['component.digest']);
    const after = condemnationAfter(before, found(['log.replay'], boot(6)), circumstances({ referenceRevision: 4 }));
    expect(after).to.deep.equal({
      codes: ['log.replay'],
      at: 2000,
      endsBy: 'boot',
      boot: boot(6),
      referenceRevision: 4,
    });
  });

  it('a changed component does not make it easier to end what only a later boot ends', () => {
    const before = pronounced(['log.replay']);
    const after = condemnationAfter(before, found(['component.digest'], boot(5)), circumstances());
    expect(after?.codes).to.deep.equal(['component.digest']);
    expect(after?.endsBy).to.equal('boot');
    expect(condemnationAfter(after, affirming(boot(5)), circumstances({ referenceRevision: 2 }))).to.equal(after);
  });

  it('in a later boot it does: that boot left the earlier fault behind', () => {
    const before = pronounced(['log.replay']);
    const after = condemnationAfter(before, found(['component.digest'], boot(6)), circumstances());
    expect(after?.endsBy).to.equal('reference');
    expect(condemnationAfter(after, affirming(boot(6)), circumstances({ referenceRevision: 2 }))).to.equal(undefined);
  });

  it('bytes without a quote that verified do not make the boot older that has to be left', () => {
    const before = pronounced(['log.replay'], boot(7));
    const after = condemnationAfter(before, found(['evidence.malformed']), circumstances());
    expect(after?.boot).to.deep.equal(boot(7));
    expect(condemnationAfter(after, affirming(boot(7)), circumstances())).to.equal(after);
    expect(condemnationAfter(after, affirming(boot(8)), circumstances())).to.equal(undefined);
  });

  it('remembers the accepted boot where the evidence showed none, or an older one', () => {
    expect(pronounced(['context.mismatch'], undefined).boot).to.deep.equal(boot(5));
    expect(pronounced(['log.replay'], boot(4)).boot).to.deep.equal(boot(5));
    expect(pronounced(['log.replay'], boot(5, 2)).boot).to.deep.equal(boot(5, 2));
  });

  it('remembers the boot that the terminal named itself, where no quote showed it', () => {
    const announced = circumstances({ announcedBoot: boot(6) });
    const before = condemnationAfter(undefined, found(['evidence.malformed']), announced);
    expect(before).to.deep.include({ boot: boot(6), announced: true });
    expect(condemnationAfter(before, affirming(boot(6)), circumstances())).to.equal(before);
    expect(condemnationAfter(before, affirming(boot(7)), circumstances())).to.equal(undefined);
  });

  it('does not believe for ever what was only named: a quote of an earlier boot takes its place, and the next boot ends it', () => {
    const named = circumstances({ announcedBoot: boot(4_294_967_295, 4_294_967_295) });
    const before = condemnationAfter(undefined, found(['evidence.malformed']), named);
    const refuted = condemnationAfter(before, affirming(boot(6)), circumstances());
    expect(refuted, 'nothing ends by it').to.deep.include({ codes: ['evidence.malformed'], boot: boot(6) });
    expect(refuted).to.not.have.property('announced');
    expect(condemnationAfter(refuted, affirming(boot(6)), circumstances())).to.equal(refuted);
    expect(condemnationAfter(refuted, affirming(boot(7)), circumstances())).to.equal(undefined);
    const again = condemnationAfter(before, found(['log.replay'], boot(6)), named);
    expect(again).to.deep.include({ codes: ['log.replay'], boot: boot(6) });
    expect(again).to.not.have.property('announced');
  });

  it('is made no easier to end by a boot that was only named', () => {
    const before = pronounced(['context.mismatch']);
    const lied = circumstances({ announcedBoot: boot(6), referenceRevision: 2 });
    const after = condemnationAfter(before, found(['component.unlisted'], boot(5)), lied);
    expect(after?.endsBy).to.equal('boot');
    expect(condemnationAfter(after, affirming(boot(5)), circumstances({ referenceRevision: 3 }))).to.equal(after);
    const later = condemnationAfter(before, found(['component.unlisted'], boot(6)), circumstances());
    expect(later?.endsBy, 'a quote of a later boot').to.equal('reference');
  });

  describe('a break of identity', () => {
    const before = pronounced(['identity.rolled-back'], boot(4));

    it('ends by enrolment alone: no gate, no boot, no Reference Values', () => {
      expect(before.endsBy).to.equal('enrolment');
      const everything = circumstances({ referenceRevision: 9 });
      expect(condemnationAfter(before, affirming(boot(9)), everything)).to.equal(before);
      expect(condemnationAfter(before, found(['component.digest'], boot(9)), everything)).to.equal(before);
      expect(condemnationAfter(before, found(['identity.rolled-back'], boot(4)), everything)).to.equal(before);
    });

    it('is diverged once evidence on the accepted line follows: both holders are alive (F-20)', () => {
      for (const purpose of ['runtime', 'gate'] as const) {
        const after = condemnationAfter(before, affirming(boot(5)), circumstances({ purpose }));
        expect(after).to.deep.equal({ ...before, codes: ['identity.diverged'], at: 2000 });
        const again = condemnationAfter(after, affirming(boot(5)), circumstances({ now: 3000 }));
        expect(again).to.equal(after);
      }
    });

    it('is diverged by such evidence whatever else is wrong with it, and by none that does not hold', () => {
      const onTheLine = { ...found(['component.digest'], boot(5)), state: { ...acceptedState(1), ...boot(5) } };
      expect(condemnationAfter(before, onTheLine, circumstances())?.codes).to.deep.equal(['identity.diverged']);
      expect(condemnationAfter(before, found(['log.replay'], boot(5)), circumstances())).to.equal(before);
      expect(condemnationAfter(before, found(['signature.invalid']), circumstances())).to.equal(before);
    });

    it('is not diverged by a later boot: an old state that caught up is one holder still', () => {
      expect(condemnationAfter(before, affirming(boot(6)), circumstances())).to.equal(before);
      expect(condemnationAfter(before, affirming(boot(5, 1)), circumstances())).to.equal(before);
    });

    it('takes the place of every other condemnation', () => {
      const after = condemnationAfter(pronounced(['log.replay']), found(['identity.rolled-back']), circumstances());
      expect(after?.endsBy).to.equal('enrolment');
    });
  });

  it('counts the boot that the terminal itself announced: the same boot cannot end what its first evidence brought', () => {
    const unsigned: AttestationResult = { ...found(['signature.invalid'], boot(5)), boot: undefined };
    const condemned = condemnationAfter(undefined, unsigned, circumstances({ announcedBoot: boot(6) }));
    expect(condemned?.boot).to.deep.equal(boot(6));
    const gate = circumstances({ purpose: 'gate' });
    expect(condemnationAfter(condemned, affirming(boot(6)), gate)).to.equal(condemned);
    expect(condemnationAfter(condemned, affirming(boot(7)), gate)).to.equal(undefined);
  });
});
