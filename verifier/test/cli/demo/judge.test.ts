import { expect } from 'chai';
import { type Followed, isSettled, judge } from '../../../src/cli/demo/judge.ts';
import {
  ALTERED,
  ATTACK_AT,
  change,
  DESERVED_HISTORY,
  decision,
  followed,
  HONEST,
  HONEST_HISTORY,
  LAST_STEP_AT,
} from './fixture.ts';

const DEADLINES = { intervalMs: 1000, graceMs: 2000, freshnessMs: 4000 };
const LATER = LAST_STEP_AT + 60_000;

function broken(one: Followed): readonly string[] {
  return judge(one)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

describe('the judge of the demonstration', () => {
  it('finds nothing to object to where everybody gets what they deserve', () => {
    expect(broken(followed(HONEST, 'trusted', HONEST_HISTORY))).to.deep.equal([]);
    expect(broken(followed(ALTERED, 'untrusted', DESERVED_HISTORY))).to.deep.equal([]);
  });

  it('objects to an honest terminal that was untrusted once, though it is trusted now', () => {
    const history = [...HONEST_HISTORY, decision('untrusted', 14_000), decision('trusted', 15_000)];
    expect(broken(followed(HONEST, 'trusted', history))).to.deep.equal(['untrusted never shows']);
  });

  it('forgives an honest terminal times in which it was stale, unreachable or unknown', () => {
    const history = [
      change('unknown', 8000),
      ...HONEST_HISTORY,
      change('stale', 14_000),
      change('unreachable', 15_000),
    ];
    expect(broken(followed(HONEST, 'trusted', history))).to.deep.equal([]);
  });

  it('objects to trust on evidence that was challenged after the attack, though it is untrusted now', () => {
    const history = [...DESERVED_HISTORY, decision('trusted', ATTACK_AT + 200, ATTACK_AT + 100)];
    expect(broken(followed(ALTERED, 'untrusted', history))).to.deep.equal([
      'never trusted on evidence taken after the attack',
    ]);
  });

  it('forgives trust on evidence that was challenged before the attack and appraised after it', () => {
    const history = [...DESERVED_HISTORY, decision('trusted', ATTACK_AT + 20, ATTACK_AT - 10)];
    expect(broken(followed(ALTERED, 'untrusted', history))).to.deep.equal([]);
  });

  it('grants trust after the attack where the scenario does', () => {
    const victim = { ...HONEST, scenario: 'stranger' };
    const one = followed(victim, 'trusted', HONEST_HISTORY, { course: { attackAt: ATTACK_AT } });
    expect(broken(one)).to.deep.equal([]);
  });

  it('objects to every verdict but the deserved one', () => {
    for (const verdict of ['trusted', 'stale', 'unreachable', 'unknown']) {
      expect(broken(followed(ALTERED, verdict, DESERVED_HISTORY)), verdict).to.deep.equal(['the verdict is untrusted']);
    }
  });

  it('objects to the right verdict for another reason', () => {
    const reasons = [{ code: 'log.replay', detail: '' }];
    expect(broken(followed(ALTERED, 'untrusted', DESERVED_HISTORY, { reasons }))).to.deep.equal([
      'the reasons name component.digest',
    ]);
  });

  it('wants every information that must accompany trust', () => {
    const updated = { ...HONEST, codes: ['release.new', 'boot.new'] };
    const reasons = [{ code: 'boot.new', detail: '' }];
    expect(broken(followed(updated, 'trusted', HONEST_HISTORY, { reasons }))).to.deep.equal([
      'the reasons name release.new',
    ]);
  });

  it('objects to a terminal that was not trusted before its attack where it should have been', () => {
    const history = DESERVED_HISTORY.filter(({ verdict }) => verdict !== 'trusted');
    expect(broken(followed(ALTERED, 'untrusted', history))).to.deep.equal(['trusted before the attack']);
  });

  it('objects to an attack that never took place', () => {
    const one = followed(ALTERED, 'untrusted', DESERVED_HISTORY, { course: { attackAt: undefined } });
    expect(broken(one)).to.include('the attack took place');
  });

  it('objects to what the simulator found not to hold', () => {
    const checks = [{ name: 'the alarm shows', ok: false }];
    expect(broken(followed(HONEST, 'trusted', HONEST_HISTORY, { course: { checks } }))).to.deep.equal([
      'the alarm shows',
    ]);
  });

  it('objects to a terminal that the daemon never heard of', () => {
    expect(broken({ ...followed(HONEST, 'trusted', []), observed: undefined })).to.include('the verdict is trusted');
  });
});

describe('when a terminal has settled', () => {
  it('takes three decisions since the last step, however long that takes', () => {
    expect(isSettled(followed(ALTERED, 'untrusted', DESERVED_HISTORY), DEADLINES, LAST_STEP_AT)).to.equal(true);
    const two = DESERVED_HISTORY.slice(0, -1);
    expect(isSettled(followed(ALTERED, 'untrusted', two), DEADLINES, LATER)).to.equal(false);
  });

  it('takes twice the deadline where the terminal becomes stale or unreachable', () => {
    const deadlines = { stale: DEADLINES.freshnessMs, unreachable: DEADLINES.graceMs };
    for (const [expected, deadlineMs] of Object.entries(deadlines)) {
      const one = followed({ ...ALTERED, expected, settling: 'deadline' }, expected, DESERVED_HISTORY);
      expect(isSettled(one, DEADLINES, LAST_STEP_AT + 2 * deadlineMs - 1), expected).to.equal(false);
      expect(isSettled(one, DEADLINES, LAST_STEP_AT + 2 * deadlineMs), expected).to.equal(true);
    }
  });

  it('takes two audit intervals where a person must act', () => {
    const one = followed({ ...ALTERED, expected: 'unknown', settling: 'person' }, 'unknown', []);
    expect(isSettled(one, DEADLINES, LAST_STEP_AT + 1999)).to.equal(false);
    expect(isSettled(one, DEADLINES, LAST_STEP_AT + 2000)).to.equal(true);
  });

  it('never comes before the last step, nor before the daemon knows the terminal', () => {
    const early = followed(HONEST, 'trusted', HONEST_HISTORY, { course: { lastStepAt: undefined } });
    expect(isSettled(early, DEADLINES, LATER)).to.equal(false);
    expect(isSettled({ ...early, observed: undefined }, DEADLINES, LATER)).to.equal(false);
  });
});
