import { expect } from 'chai';
import type { EnrolmentChange, EnrolmentOutcome } from '../../src/endpoint/services.ts';
import { verdictOf } from '../../src/liveness/verdict.ts';
import { listAlarms } from '../../src/store/alarms.ts';
import { consumeToken } from '../../src/store/enrolments.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { resolveTerminal } from '../../src/store/terminals.ts';
import { findToken, forgetTokens } from '../../src/store/tokens.ts';
import {
  acceptedState,
  addTokenFor,
  bytes,
  DAY_MS,
  enrolled,
  enrolment,
  OPERATOR,
  stored,
  type TemporaryStore,
  temporaryStore,
  trustedResult,
  untrustedResult,
} from './fixture.ts';

const NOW = 5000;

describe('enrolment tokens', () => {
  let store: TemporaryStore;
  let group: GroupCommit;

  beforeEach(async () => {
    store = await temporaryStore();
    group = new GroupCommit(store.db, OPERATOR);
  });

  afterEach(async () => {
    await store.remove();
  });

  function consume(change: EnrolmentChange, now = NOW): Promise<EnrolmentOutcome> {
    return group.change(change.terminal, (tx) => consumeToken(tx, OPERATOR, change, now));
  }

  async function alarms(): Promise<readonly string[]> {
    return (await listAlarms(store.db, OPERATOR, 10)).map(
      ({ code, terminal, count }) => `${code} ${terminal} ${count}`,
    );
  }

  it('enrol the terminal that they name, once, with class and model of the token (F-11)', async () => {
    await addTokenFor(store.db, 't-1', 1);
    expect(await consume(enrolment('t-1', 1, 7))).to.equal('enrolled');
    expect(await stored(store.db, 't-1')).to.deep.include({
      class: 'software',
      model: 'model-1',
      akName: bytes(34, 7),
      admission: 'enrolled',
      session: 0,
      version: 0,
      accepted: undefined,
      lastAffirmedAt: undefined,
    });
  });

  it('presented again with the same AK and session key give the same answer and write nothing (F-13)', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    await group.commit(trustedResult(record, 1));
    const before = await stored(store.db, 't-1');
    expect(await consume(enrolment('t-1', 1, 1))).to.equal('enrolled');
    expect(await consume(enrolment('t-1', 1, 1), NOW + 2 * DAY_MS)).to.equal('enrolled');
    expect(await stored(store.db, 't-1')).to.deep.equal(before);
    expect(await alarms()).to.deep.equal([]);
  });

  it('presented with another AK make the terminal unknown and raise an alarm until a person resolves it (F-13)', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    expect(await consume(enrolment('t-1', 1, 9))).to.equal('token-reused');
    const after = await stored(store.db, 't-1');
    expect(after).to.deep.include({
      unknownCode: 'enrolment.token-reused',
      akName: record.akName,
      version: record.version + 1,
    });
    expect(await alarms()).to.deep.equal(['enrolment.token-reused t-1 1']);
    const late = await group.commit(trustedResult(record, 1));
    expect(late.kind, 'a result settled on the row before does not wash it away').to.equal('conflict');
    expect(await resolveTerminal(store.db, OPERATOR, 't-1')).to.equal('resolved');
    expect((await stored(store.db, 't-1')).unknownCode).to.equal(undefined);
    expect(await resolveTerminal(store.db, OPERATOR, 't-1')).to.equal('nothing-open');
    expect(await resolveTerminal(store.db, OPERATOR, 't-2')).to.equal('unknown');
  });

  it('presented with the same AK and another session key are refused', async () => {
    await enrolled(store.db, 't-1', 1);
    const change = { ...enrolment('t-1', 1, 1), sessionKey: bytes(91, 50) };
    expect(await consume(change)).to.equal('token-invalid');
    expect((await stored(store.db, 't-1')).sessionKey).to.deep.equal(bytes(91, 1));
  });

  it('that are unknown, expired, or for another terminal are invalid', async () => {
    await addTokenFor(store.db, 't-1', 1);
    expect(await consume(enrolment('t-1', 2, 1))).to.equal('token-invalid');
    expect(await consume(enrolment('t-2', 1, 1))).to.equal('token-invalid');
    expect(await consume(enrolment('t-1', 1, 1), 1001 + DAY_MS)).to.equal('token-invalid');
    expect(await consume(enrolment('t-1', 1, 1), 1000 + DAY_MS)).to.equal('enrolled');
  });

  it('that expired after use no longer make their terminal unknown', async () => {
    await enrolled(store.db, 't-1', 1);
    expect(await consume(enrolment('t-1', 1, 9), 1001 + DAY_MS)).to.equal('token-invalid');
    expect((await stored(store.db, 't-1')).unknownCode).to.equal(undefined);
  });

  it('prove an endorsement key for one terminal of an operator; another operator has its own (F-07, F-92)', async () => {
    const ekName = bytes(34, 70);
    await addTokenFor(store.db, 't-1', 1);
    await addTokenFor(store.db, 't-2', 2);
    expect(await consume({ ...enrolment('t-1', 1, 1), ekName })).to.equal('enrolled');
    expect((await stored(store.db, 't-1')).ekName).to.deep.equal(ekName);
    expect(await consume({ ...enrolment('t-2', 2, 2), ekName })).to.equal('refused');
    expect(await alarms()).to.deep.equal(['enrolment.ek-reused t-2 1']);
    await addTokenFor(store.db, 't-2', 2, 'operator-b');
    const theirs = { ...enrolment('t-2', 2, 2), ekName };
    const outcome = await store.db.transaction().execute((tx) => consumeToken(tx, 'operator-b', theirs, NOW));
    expect(outcome).to.equal('enrolled');
    expect(await consume({ ...enrolment('t-2', 2, 2), ekName: bytes(34, 71) }), 'the token is still there').to.equal(
      'enrolled',
    );
  });

  it('of another operator are not found (F-92)', async () => {
    await addTokenFor(store.db, 't-1', 1, 'operator-b');
    expect(await findToken(store.db, OPERATOR, bytes(32, 1), NOW)).to.equal(undefined);
    expect(await consume(enrolment('t-1', 1, 1))).to.equal('token-invalid');
  });

  it('are found while they can be used, and after use as long as they are kept', async () => {
    await addTokenFor(store.db, 't-1', 1);
    const found = { terminal: 't-1', class: 'software', model: 'model-1' };
    expect(await findToken(store.db, OPERATOR, bytes(32, 1), NOW)).to.deep.equal(found);
    expect(await findToken(store.db, OPERATOR, bytes(32, 1), 1001 + DAY_MS)).to.equal(undefined);
    await consume(enrolment('t-1', 1, 1));
    expect(await findToken(store.db, OPERATOR, bytes(32, 1), 1001 + DAY_MS)).to.deep.equal(found);
    expect(await forgetTokens(store.db, OPERATOR, 1000 + DAY_MS)).to.equal(0);
    expect(await forgetTokens(store.db, OPERATOR, 1001 + DAY_MS)).to.equal(1);
    expect(await findToken(store.db, OPERATOR, bytes(32, 1), NOW)).to.equal(undefined);
  });

  describe('for a terminal that is enrolled', () => {
    it('replace it under a new AK: findings and floors go, session and version rise, ledger and results stay', async () => {
      const record = await enrolled(store.db, 't-1', 1);
      await group.commit(untrustedResult(record, 1));
      await addTokenFor(store.db, 't-1', 2);
      expect(await consume(enrolment('t-1', 2, 2), 9000)).to.equal('enrolled');
      expect(await stored(store.db, 't-1')).to.deep.include({
        akName: bytes(34, 2),
        sessionKey: bytes(91, 2),
        admission: 'enrolled',
        session: record.session + 1,
        version: record.version + 2,
        condemned: undefined,
        unknownCode: undefined,
        accepted: undefined,
        lastAffirmedAt: undefined,
        enrolledAt: 9000,
      });
      expect(await store.db.selectFrom('results').select('ledger_index').execute()).to.have.length(1);
      expect((await group.commit(trustedResult({ ...record, version: 2 }, 2))).kind).to.equal('session-gone');
    });

    it('keep floors and findings under the same AK: enrolling again heals nothing (F-20)', async () => {
      const record = await enrolled(store.db, 't-1', 1);
      const result = untrustedResult(record, 1);
      await group.commit(result);
      await addTokenFor(store.db, 't-1', 2);
      expect(await consume({ ...enrolment('t-1', 2, 1), sessionKey: bytes(91, 60) })).to.equal('enrolled');
      expect(await stored(store.db, 't-1')).to.deep.include({
        condemned: result.settled.condemned,
        accepted: acceptedState(1),
        sessionKey: bytes(91, 60),
        admission: 'enrolled',
      });
    });

    it('are refused for the same AK after a break of identity, and not used up by it (F-20)', async () => {
      const record = await enrolled(store.db, 't-1', 1);
      const result = untrustedResult(record, 1);
      const condemned = { ...result.settled.condemned, codes: ['identity.rolled-back'], endsBy: 'enrolment' } as const;
      const at = { at: 1, boot: { resetCount: 1, restartCount: 0 }, referenceRevision: 0 };
      await group.commit({ ...result, settled: { ...result.settled, condemned: { ...at, ...condemned } } });
      await addTokenFor(store.db, 't-1', 2);
      expect(await consume(enrolment('t-1', 2, 1))).to.equal('same-ak');
      expect((await stored(store.db, 't-1')).condemned?.codes).to.deep.equal(['identity.rolled-back']);
      expect(await consume(enrolment('t-1', 2, 3))).to.equal('enrolled');
      expect((await stored(store.db, 't-1')).condemned).to.equal(undefined);
    });

    it('leave nothing trusted under the same AK: class and model are new, and nothing was appraised under them', async () => {
      const record = await enrolled(store.db, 't-1', 1);
      await group.commit(trustedResult(record, 1));
      await addTokenFor(store.db, 't-1', 2);
      expect(await consume(enrolment('t-1', 2, 1))).to.equal('enrolled');
      const after = await stored(store.db, 't-1');
      expect(after).to.deep.include({ lastAffirmedAt: undefined, admission: 'enrolled', accepted: acceptedState(1) });
      expect(verdictOf(after, NOW, { graceMs: DAY_MS, freshnessMs: DAY_MS }, undefined)).to.deep.equal({
        verdict: 'unknown',
        codes: ['enrolment.fresh'],
      });
    });

    it('of an AK that comes back after another one bring its floors back (F-23)', async () => {
      const record = await enrolled(store.db, 't-1', 1);
      const result = untrustedResult(record, 1);
      await group.commit(result);
      await addTokenFor(store.db, 't-1', 2);
      await consume(enrolment('t-1', 2, 2));
      expect((await stored(store.db, 't-1')).accepted).to.equal(undefined);
      await addTokenFor(store.db, 't-1', 3);
      expect(await consume(enrolment('t-1', 3, 1))).to.equal('enrolled');
      const after = await stored(store.db, 't-1');
      expect(after).to.deep.include({ condemned: result.settled.condemned, accepted: acceptedState(1) });
    });

    it('are refused for an AK whose identity broke, with another AK in between too (F-20)', async () => {
      const record = await enrolled(store.db, 't-1', 1);
      const { settled, ...result } = untrustedResult(record, 1);
      const boot = { resetCount: 1, restartCount: 0 };
      const condemned = {
        codes: ['identity.rolled-back'],
        endsBy: 'enrolment',
        at: 1,
        boot,
        referenceRevision: 0,
      } as const;
      await group.commit({ ...result, settled: { ...settled, condemned } });
      await addTokenFor(store.db, 't-1', 2);
      await consume(enrolment('t-1', 2, 2));
      await addTokenFor(store.db, 't-1', 3);
      expect(await consume(enrolment('t-1', 3, 1))).to.equal('same-ak');
      expect((await stored(store.db, 't-1')).akName).to.deep.equal(bytes(34, 2));
    });

    it('are refused for an AK that another terminal has, or had: its floors and its break would be left behind (F-20)', async () => {
      await enrolled(store.db, 't-1', 1);
      await addTokenFor(store.db, 't-2', 2);
      expect(await consume(enrolment('t-2', 2, 1))).to.equal('ak-in-use');
      expect(await alarms()).to.deep.equal(['enrolment.ak-in-use t-2 1']);
      await addTokenFor(store.db, 't-1', 3);
      expect(await consume(enrolment('t-1', 3, 3))).to.equal('enrolled');
      expect(await consume(enrolment('t-2', 2, 1)), 'a former key').to.equal('ak-in-use');
      expect(await consume(enrolment('t-2', 2, 2)), 'the token was not used up').to.equal('enrolled');
    });

    it('make the token before worthless for its old holder', async () => {
      await enrolled(store.db, 't-1', 1);
      await addTokenFor(store.db, 't-1', 2);
      await consume(enrolment('t-1', 2, 2));
      expect(await consume(enrolment('t-1', 1, 1))).to.equal('token-invalid');
    });
  });
});
