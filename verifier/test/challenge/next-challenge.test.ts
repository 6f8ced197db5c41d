import { prefixDigest } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import type { Condemnation } from '../../src/appraisal/condemnation.ts';
import { type ChallengeSituation, cursorOf, nextChallenge } from '../../src/challenge/next-challenge.ts';
import { acceptedState } from '../store/fixture.ts';

const ACCEPTED = acceptedState(1);

function condemned(endsBy: Condemnation['endsBy'], ...codes: Condemnation['codes']): Condemnation {
  return { codes, at: 1, endsBy, boot: { resetCount: 3, restartCount: 1 }, referenceRevision: 4 };
}

const ROLLED_BACK = condemned('enrolment', 'identity.rolled-back');
const DIGEST = condemned('reference', 'component.digest');
const OTHER_VALUES = new Uint8Array(32).fill(9);
const MALFORMED = condemned('boot', 'evidence.malformed');
const REPLAY = condemned('boot', 'log.replay');

interface Case {
  readonly when: string;
  readonly situation: Partial<ChallengeSituation>;
  readonly asks: readonly ['gate' | 'runtime', 'whole log' | 'from the accepted events'];
}

const CASES: readonly Case[] = [
  { when: 'nothing was ever accepted', situation: { accepted: undefined }, asks: ['gate', 'whole log'] },
  { when: 'it is not admitted', situation: { admitted: false }, asks: ['gate', 'whole log'] },
  { when: 'it is admitted', situation: {}, asks: ['runtime', 'from the accepted events'] },
  { when: 'a new boot is pending', situation: { pending: true }, asks: ['gate', 'whole log'] },
  {
    when: 'a new boot is pending and it is condemned',
    situation: { pending: true, condemned: MALFORMED },
    asks: ['gate', 'whole log'],
  },
  {
    when: 'nothing was ever accepted and it is condemned',
    situation: { accepted: undefined, condemned: MALFORMED },
    asks: ['gate', 'whole log'],
  },
  {
    when: 'the accepted release lists other components than it did',
    situation: { referenceDigest: OTHER_VALUES },
    asks: ['runtime', 'whole log'],
  },
  {
    when: 'the accepted release lists other components, and the terminal is condemned for something else',
    situation: { admitted: false, condemned: MALFORMED, referenceDigest: OTHER_VALUES },
    asks: ['runtime', 'whole log'],
  },
  {
    when: 'the accepted release is listed no more',
    situation: { referenceDigest: undefined },
    asks: ['runtime', 'from the accepted events'],
  },
  {
    when: 'it is condemned until a later boot: a gate in this one would end nothing',
    situation: { admitted: false, condemned: MALFORMED },
    asks: ['runtime', 'from the accepted events'],
  },
  {
    when: 'its log did not replay: the whole one, to see who it is',
    situation: { admitted: false, condemned: REPLAY },
    asks: ['runtime', 'whole log'],
  },
  {
    when: 'its identity broke: so that the holder of the accepted line shows (F-20)',
    situation: { admitted: false, condemned: ROLLED_BACK, referenceRevision: 9 },
    asks: ['runtime', 'from the accepted events'],
  },
  {
    when: 'a component was changed and the Reference Values were not',
    situation: { admitted: false, condemned: DIGEST, referenceRevision: 4 },
    asks: ['runtime', 'from the accepted events'],
  },
  {
    when: 'a component was changed and the Reference Values were too',
    situation: { admitted: false, condemned: DIGEST, referenceRevision: 5 },
    asks: ['gate', 'whole log'],
  },
  {
    when: 'the Reference Values changed, which does not end this',
    situation: { admitted: false, condemned: MALFORMED, referenceRevision: 5 },
    asks: ['runtime', 'from the accepted events'],
  },
];

describe('nextChallenge', () => {
  for (const { when, situation, asks } of CASES) {
    it(`${asks.join(', ')}: ${when}`, () => {
      const { purpose, from } = nextChallenge({
        admitted: true,
        pending: false,
        accepted: ACCEPTED,
        condemned: undefined,
        referenceRevision: 4,
        referenceDigest: ACCEPTED.referenceDigest,
        ...situation,
      });
      expect(purpose).to.equal(asks[0]);
      expect(from).to.equal(asks[1] === 'whole log' ? undefined : ACCEPTED);
    });
  }

  it('asks nobody at the gate from a cursor: verification before deployment needs the whole log', () => {
    for (const admitted of [true, false]) {
      for (const pending of [true, false]) {
        for (const accepted of [ACCEPTED, undefined]) {
          for (const one of [undefined, ROLLED_BACK, DIGEST, MALFORMED, REPLAY]) {
            for (const referenceRevision of [4, 5]) {
              const next = nextChallenge({
                admitted,
                pending,
                accepted,
                condemned: one,
                referenceRevision,
                referenceDigest: undefined,
              });
              if (next.purpose === 'gate') expect(next.from).to.equal(undefined);
              else expect(admitted || one !== undefined).to.equal(true);
            }
          }
        }
      }
    }
  });
});

describe('cursorOf', () => {
  const prefix = (): Uint8Array => prefixDigest(ACCEPTED.count, ACCEPTED.pcrs, nodeCrypto.sha256);

  it('names the accepted boot, the accepted events, and their digest', () => {
    expect(cursorOf(ACCEPTED, prefix)).to.deep.equal({ resetCount: 3, restartCount: 1, count: 101, prefix: prefix() });
  });

  it('is all zeros where the whole log is asked for, of whatever boot', () => {
    const zeros = { resetCount: 0, restartCount: 0, count: 0, prefix: new Uint8Array(16) };
    expect(cursorOf(undefined, prefix)).to.deep.equal(zeros);
  });
});
