import type { ReasonCode, Verdict } from '@mtm-attest/protocol';
import { expect } from 'chai';
import type { Condemnation } from '../../src/appraisal/condemnation.ts';
import { type Outage, type Standing, verdictOf } from '../../src/liveness/verdict.ts';

const NOW = 1_000_000;
const POLICY = { graceMs: 1000, freshnessMs: 10_000 };
const TRUSTED: Standing = {
  condemned: undefined,
  unknownCode: undefined,
  lastSeenAt: NOW,
  lastAffirmedAt: NOW,
  pendingAt: undefined,
  lateCode: undefined,
  info: [],
};
const CONDEMNED: Condemnation = {
  codes: ['component.digest', 'component.missing'],
  at: NOW,
  endsBy: 'reference',
  boot: { resetCount: 1, restartCount: 0 },
  referenceRevision: 1,
};
const GONE = NOW - 1001;
const OLD = NOW - 10_001;

function expectVerdict(
  changes: Partial<Standing>,
  verdict: Verdict,
  codes: readonly ReasonCode[],
  outage?: Outage,
  now = NOW,
): void {
  expect(verdictOf({ ...TRUSTED, ...changes }, now, POLICY, outage)).to.deep.equal({ verdict, codes });
}

describe('verdictOf', () => {
  it('trusted: connected, and the last affirming evidence is fresh', () => {
    expectVerdict({}, 'trusted', []);
    expectVerdict({ info: ['release.new', 'boot.new'] }, 'trusted', ['release.new', 'boot.new']);
    expectVerdict({ lateCode: 'challenge.not-open' }, 'trusted', []);
  });

  it('trusted up to the last millisecond of grace and freshness', () => {
    expectVerdict({ lastSeenAt: NOW - 1000 }, 'trusted', []);
    expectVerdict({ lastAffirmedAt: NOW - 10_000 }, 'trusted', []);
    expectVerdict({ lastSeenAt: GONE }, 'unreachable', ['connection.lost']);
    expectVerdict({ lastAffirmedAt: OLD }, 'stale', ['challenge.unanswered']);
  });

  it('untrusted comes first: it survives silence, disconnection and whatever else is unknown', () => {
    const everything: Partial<Standing> = {
      condemned: CONDEMNED,
      unknownCode: 'enrolment.token-reused',
      lastSeenAt: 0,
      lastAffirmedAt: undefined,
      pendingAt: 1,
      lateCode: 'challenge.expired',
    };
    expectVerdict({ condemned: CONDEMNED }, 'untrusted', CONDEMNED.codes);
    expectVerdict(everything, 'untrusted', CONDEMNED.codes);
    expectVerdict(everything, 'untrusted', CONDEMNED.codes, { from: 0, until: NOW + 1 });
  });

  it('unknown comes before unreachable: what nobody can tell does not become a matter of connection', () => {
    for (const unknownCode of ['enrolment.token-reused', 'verifier.malfunction', 'reference.missing'] as const) {
      expectVerdict({ unknownCode, lastSeenAt: 0, pendingAt: 1, lastAffirmedAt: 0 }, 'unknown', [unknownCode]);
    }
    expectVerdict({ lastAffirmedAt: undefined, lastSeenAt: 0, pendingAt: 1 }, 'unknown', ['enrolment.fresh']);
  });

  it('unreachable comes before stale', () => {
    const both: Partial<Standing> = {
      lastSeenAt: GONE,
      lastAffirmedAt: OLD,
      pendingAt: 1,
      lateCode: 'challenge.expired',
    };
    expectVerdict(both, 'unreachable', ['connection.lost']);
  });

  it('stale says what kind of evidence came since the last affirming one', () => {
    expectVerdict({ lastAffirmedAt: OLD }, 'stale', ['challenge.unanswered']);
    expectVerdict({ lastAffirmedAt: OLD, lateCode: 'challenge.expired' }, 'stale', ['challenge.expired']);
    expectVerdict({ lastAffirmedAt: OLD, lateCode: 'challenge.not-open' }, 'stale', ['challenge.not-open']);
  });

  it('stale at once after a new boot was announced', () => {
    expectVerdict({ pendingAt: NOW }, 'stale', ['challenge.unanswered']);
  });

  describe('after a time without a verifier, or a step of the clock', () => {
    const outage: Outage = { from: NOW - 50_000, until: NOW + 5000 };
    const before = outage.from;

    it('nobody becomes unreachable or stale for one interval', () => {
      expectVerdict({ lastSeenAt: before, lastAffirmedAt: before }, 'trusted', [], outage);
      expectVerdict({ lastSeenAt: before - 1000, lastAffirmedAt: before - 10_000 }, 'trusted', [], outage);
    });

    it('from then on everybody is judged as ever', () => {
      const standing = { lastSeenAt: before, lastAffirmedAt: before };
      expectVerdict(standing, 'trusted', [], outage, outage.until - 1);
      expectVerdict(standing, 'unreachable', ['connection.lost'], outage, outage.until);
    });

    it('who was unreachable or stale before stays so', () => {
      expectVerdict({ lastSeenAt: before - 1001 }, 'unreachable', ['connection.lost'], outage);
      const stale = { lastSeenAt: before, lastAffirmedAt: before - 10_001 };
      expectVerdict(stale, 'stale', ['challenge.unanswered'], outage);
    });

    it('who was never seen since, but affirmed, is trusted no longer than it lasts', () => {
      expectVerdict({ lastSeenAt: NOW, lastAffirmedAt: before }, 'trusted', [], outage);
      expectVerdict(
        { lastSeenAt: outage.until, lastAffirmedAt: before },
        'stale',
        ['challenge.unanswered'],
        outage,
        outage.until,
      );
    });

    it('a new boot that is pending stays pending', () => {
      expectVerdict({ pendingAt: before }, 'stale', ['challenge.unanswered'], outage);
    });
  });

  it('times that seem to lie ahead make nobody unreachable or stale, and nobody trusted who is not', () => {
    expectVerdict({ lastSeenAt: NOW + 99_999, lastAffirmedAt: NOW + 99_999 }, 'trusted', []);
    expectVerdict({ lastSeenAt: NOW + 99_999, lastAffirmedAt: undefined }, 'unknown', ['enrolment.fresh']);
  });
});
