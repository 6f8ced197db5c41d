import { isId, REASONS } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { castOf, LEAST_TERMINALS, TPM_ROLE } from '../../src/fleet/cast.ts';
import { announcement, eventText } from '../../src/fleet/events.ts';
import { SCENARIOS, TPM_SCENARIO } from '../../src/fleet/scenarios.ts';
import { expectRefusal } from '../refusal.ts';

/** Name, verdict before the attack, verdict in the end, reasons. */
const DESERVED: readonly (readonly [name: string, before: string | null, verdict: string, ...codes: string[]])[] = [
  ['honest', null, 'trusted'],
  ['honest-reboot', null, 'trusted', 'boot.new'],
  ['honest-update', null, 'trusted', 'release.new', 'boot.new'],
  ['crash-resume', null, 'trusted', 'boot.new'],
  ['slow-link', null, 'trusted'],
  ['reconnecting', null, 'trusted'],
  ['altered-component', null, 'untrusted', 'component.digest'],
  ['unlisted-component', 'trusted', 'untrusted', 'component.unlisted'],
  ['runtime-altered', 'trusted', 'untrusted', 'component.digest'],
  ['replayed-evidence', null, 'untrusted', 'context.mismatch'],
  ['replayed-verbatim', 'trusted', 'stale', 'challenge.not-open'],
  ['relayed-evidence', null, 'untrusted', 'context.mismatch'],
  ['stranger', null, 'trusted'],
  ['other-ak', null, 'untrusted', 'quote.signer'],
  ['selection-reduced', null, 'untrusted', 'quote.selection'],
  ['log-truncated', null, 'untrusted', 'log.replay'],
  ['log-spliced', null, 'untrusted', 'log.replay'],
  ['event-relabelled', null, 'untrusted', 'log.replay'],
  ['release-rolled-back', null, 'untrusted', 'release.below-minimum'],
  ['clone', null, 'untrusted', 'identity.diverged'],
  ['state-restored', null, 'untrusted', 'identity.rolled-back'],
  ['silent', 'trusted', 'unreachable', 'connection.lost'],
  ['mute', 'trusted', 'stale', 'challenge.unanswered'],
  ['too-late', 'trusted', 'stale', 'challenge.expired'],
  ['garbage', null, 'untrusted', 'evidence.malformed'],
  ['token-reused', null, 'unknown', 'enrolment.token-reused'],
];

const HONEST = ['honest', 'honest-reboot', 'honest-update', 'crash-resume', 'slow-link', 'reconnecting', 'stranger'];

describe('the table of scenarios', () => {
  it('names every scenario once, with the verdict and the reasons that it deserves', () => {
    const rows = SCENARIOS.map(({ name, before, verdict, codes }) => [name, before ?? null, verdict, ...codes]);
    expect(rows).to.deep.equal(DESERVED);
  });

  it('calls honest who does nothing wrong, and grants trust after the attack to nobody else', () => {
    expect(SCENARIOS.filter(({ honest }) => honest).map(({ name }) => name)).to.deep.equal(HONEST);
    for (const { honest, trustedAfterAttack } of SCENARIOS) expect(trustedAfterAttack).to.equal(honest);
  });

  it('waits for decisions where evidence goes on, for deadlines where it ends, and for a person where one must act', () => {
    const settling = (kind: string): readonly string[] =>
      SCENARIOS.filter((one) => one.settling === kind).map(({ name }) => name);
    expect(settling('deadline')).to.deep.equal(['replayed-verbatim', 'silent', 'mute', 'too-late']);
    expect(settling('person')).to.deep.equal(['token-reused']);
    expect(settling('decisions')).to.have.length(SCENARIOS.length - 5);
  });

  it('has one scenario more that needs a TPM emulator, and plays only where it is asked for', async () => {
    const { name, verdict, honest, codes } = TPM_SCENARIO;
    expect({ name, verdict, honest, codes }).to.deep.equal({
      name: 'honest-tpm',
      verdict: 'trusted',
      honest: true,
      codes: ['boot.new'],
    });
    expect(isId(TPM_ROLE.id)).to.equal(true);
    expect(castOf(44, []).map(({ id }) => id)).to.not.include(TPM_ROLE.id);
    await expectRefusal(() => castOf(2, ['honest-tpm=1']), 'option.invalid');
  });

  it('uses reasons that the protocol knows', () => {
    for (const { codes } of [...SCENARIOS, TPM_SCENARIO])
      for (const code of codes) expect(REASONS).to.have.property(code);
  });
});

describe('who plays what', () => {
  it('plays every scenario and fills the fleet up with honest terminals', () => {
    const cast = castOf(44, []);
    expect(cast).to.have.length(44);
    expect(new Set(cast.map(({ scenario }) => scenario.name)).size).to.equal(SCENARIOS.length);
    expect(cast.filter(({ scenario }) => scenario.name === 'honest').length).to.be.greaterThan(10);
  });

  it('plays with at least 40 terminals where nobody chose scenarios', () => {
    expect(castOf(1, [])).to.have.length(LEAST_TERMINALS);
    expect(LEAST_TERMINALS).to.equal(40);
  });

  it('plays the scenarios that were asked for, and honest terminals beside them', () => {
    const names = castOf(4, ['mute=2', 'clone=1']).map(({ scenario }) => scenario.name);
    expect(names).to.deep.equal(['honest', 'clone', 'mute', 'mute']);
  });

  it('gives every terminal an id of its own that the verifier takes', () => {
    const ids = castOf(2000, []).map(({ id }) => id);
    expect(new Set(ids).size).to.equal(2000);
    for (const id of ids) expect(isId(id), id).to.equal(true);
  });

  it('refuses a scenario that does not exist, and more scenarios than terminals', async () => {
    await expectRefusal(() => castOf(2, ['nothing=1']), 'option.invalid');
    await expectRefusal(() => castOf(2, ['honest']), 'option.invalid');
    await expectRefusal(() => castOf(2, ['honest=3']), 'option.invalid');
  });
});

describe('what the simulator tells', () => {
  it('announces what a terminal deserves, so that nobody else needs the table', () => {
    const [role] = castOf(1, ['unlisted-component=1']);
    if (role === undefined) throw new RangeError('an empty cast');
    const event = announcement(role, 'operator-1');
    expect(event).to.include({
      event: 'terminal',
      operator: 'operator-1',
      scenario: 'unlisted-component',
      expected: 'untrusted',
      before: 'trusted',
      code: 'component.unlisted',
      honest: false,
      trustedAfterAttack: false,
    });
    expect(eventText(event)).to.include('deserves untrusted (component.unlisted)');
  });
});
