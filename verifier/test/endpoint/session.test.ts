import { expect } from 'chai';
import type { TestTerminal } from '../appraisal/terminal.ts';
import { TestEndpoint } from './endpoint.ts';

const SUPERSEDED = ['session.superseded', 1008];

describe('sessions of one terminal', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  beforeEach(async () => {
    endpoint = await TestEndpoint.start();
    terminal = await endpoint.enrolled();
  });
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  it('a newer connection closes the older one and is challenged at once', async () => {
    const first = await endpoint.admitted(terminal);
    const second = await endpoint.proven(terminal);
    const challenge = await second.challenge();
    expect(await first.refused()).to.deep.equal(SUPERSEDED);
    second.answer(terminal, challenge);
    expect((await second.expect('result')).verdict).to.equal('trusted');
    expect((await endpoint.row(terminal)).session).to.equal(2);
    expect(endpoint.listener.connections.size).to.equal(1);
  });

  it('is durable before the cursor of its first challenge is read', async () => {
    const raise = endpoint.hold('raiseSession');
    const client = await endpoint.proven(terminal);
    await raise.arrived;
    expect((await endpoint.row(terminal)).session).to.equal(0);
    expect(endpoint.listener.connections.size, 'nobody gives way before').to.equal(0);
    raise.release();
    await client.challenge();
    expect((await endpoint.row(terminal)).session).to.equal(1);
  });

  it('an older one’s result never commits, and nobody is told of it', async () => {
    const first = await endpoint.proven(terminal);
    const challenge = await first.challenge();
    const commit = endpoint.hold('commitResult');
    first.answer(terminal, challenge, { context: { terminal: 't-2' } });
    await commit.arrived;
    const second = await endpoint.proven(terminal);
    const next = await second.challenge();
    expect(await first.refused()).to.deep.equal(SUPERSEDED);
    commit.release();
    second.answer(terminal, next);
    expect((await second.expect('result')).verdict).to.equal('trusted');
    const { condemned, lastAffirmedAt } = await endpoint.row(terminal);
    expect(condemned).to.equal(undefined);
    expect(lastAffirmedAt).to.be.a('number');
    expect((await endpoint.decisions(terminal)).length).to.equal(1);
  });

  it('an older one of another verifier process is closed when its result does not commit', async () => {
    const client = await endpoint.admitted(terminal);
    await endpoint.store.db
      .updateTable('terminals')
      .set((eb) => ({ session: eb('session', '+', 1) }))
      .execute();
    endpoint.auditNow(terminal);
    terminal.change('boot.bin');
    client.answer(terminal, await client.challenge());
    expect(await client.refused()).to.deep.equal(SUPERSEDED);
    expect((await endpoint.row(terminal)).condemned).to.equal(undefined);
    expect(endpoint.listener.connections.size).to.equal(0);
  });

  it('an older one’s boot.new and late evidence change nothing', async () => {
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    await endpoint.store.db
      .updateTable('terminals')
      .set((eb) => ({ session: eb('session', '+', 1) }))
      .execute();
    client.answer(terminal.copy(), { ...challenge, id: new Uint8Array(8) });
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    client.send({ type: 'bootNew', challenge: challenge.id, boot: { resetCount: 2, restartCount: 0 } });
    expect(await client.refused()).to.deep.equal(SUPERSEDED);
    const { lateCode, pendingAt, admission } = await endpoint.row(terminal);
    expect(lateCode).to.equal(undefined);
    expect(pendingAt).to.equal(undefined);
    expect(admission).to.equal('admitted');
  });

  it('a row that changed while evidence was appraised is appraised once more on the newer one', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    await endpoint.store.db
      .updateTable('terminals')
      .set((eb) => ({ version: eb('version', '+', 1), unknown_code: 'enrolment.token-reused' }))
      .execute();
    commit.release();
    const result = await client.expect('result');
    expect(result.verdict, 'what the row became in between counts').to.equal('unknown');
    expect(result.codes).to.deep.equal(['enrolment.token-reused']);
    expect((await endpoint.row(terminal)).accepted?.count).to.equal(terminal.count);
  });

  it('a row that changes each time is given up without a verdict, and the next audit goes on', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const raiseVersion = async (): Promise<void> => {
      await endpoint.store.db
        .updateTable('terminals')
        .set((eb) => ({ version: eb('version', '+', 1) }))
        .execute();
    };
    const first = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await first.arrived;
    const second = endpoint.hold('commitResult');
    await raiseVersion();
    first.release();
    await second.arrived;
    await raiseVersion();
    second.release();
    expect((await client.expect('noResult')).code).to.equal('state.conflict');
    expect(await endpoint.decisions(terminal)).to.deep.equal([]);
    endpoint.auditNow(terminal);
    expect((await client.audited(terminal)).verdict).to.equal('trusted');
  });

  it('a store that fails ends the connection, not the terminal: nothing was recorded', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    await endpoint.store.db.schema.alterTable('results').renameTo('results_away').execute();
    client.answer(terminal, challenge);
    expect(await client.refused()).to.deep.equal(['verifier.malfunction', 1008]);
    await endpoint.store.db.schema.alterTable('results_away').renameTo('results').execute();
    expect((await endpoint.row(terminal)).accepted).to.equal(undefined);
    const again = await endpoint.proven(terminal);
    expect((await again.audited(terminal)).verdict).to.equal('trusted');
    expect(endpoint.errors.splice(0).length).to.equal(1);
  });

  it('results that were recorded and never received cost no verdict: the cursor goes on from them', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    client.socket.terminate();
    commit.release();
    const again = await endpoint.proven(terminal);
    expect((await again.audited(terminal)).verdict).to.equal('trusted');
  });

  it('evidence that never arrived costs no verdict either', async () => {
    let client = await endpoint.admitted(terminal);
    for (let i = 0; i < 3; i++) {
      endpoint.auditNow(terminal);
      terminal.answer(await client.challenge(), client.binding);
      await client.end();
      client = await endpoint.proven(terminal);
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
    }
  });

  it('pings every proven connection, and tells who answered since', async () => {
    const client = await endpoint.admitted(terminal);
    const silent = await endpoint.enrolled('t-2');
    const mute = await endpoint.admitted(silent);
    mute.socket.pause();
    const { connections } = endpoint.listener;
    expect(connections.ping()).to.deep.equal([]);
    await client.roundTrip();
    expect(connections.ping()).to.deep.equal([{ terminal: 't-1', session: 1 }]);
    mute.socket.terminate();
  });

  describe('audits', () => {
    it('on demand come one after the other, and many asked for at once are one', async () => {
      const client = await endpoint.admitted(terminal);
      for (let i = 0; i < 200; i++) endpoint.auditNow(terminal);
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
      endpoint.auditNow(terminal);
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
      expect((await endpoint.decisions(terminal)).length).to.equal(3);
    });

    it('on demand are no messages of the terminal: asking very often does not end its connection', async () => {
      const client = await endpoint.proven(terminal);
      const challenge = await client.challenge();
      const commit = endpoint.hold('commitResult');
      client.answer(terminal, challenge);
      await commit.arrived;
      for (let i = 0; i < 200; i++) endpoint.auditNow(terminal);
      client.send({ type: 'part', challenge: challenge.id, kind: 'log', body: new Uint8Array() });
      await client.roundTrip();
      commit.release();
      expect((await client.expect('result')).verdict).to.equal('trusted');
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
    });

    it('on demand, asked for while a challenge is open, follow it and move no schedule', async () => {
      const client = await endpoint.proven(terminal);
      const first = await client.challenge();
      endpoint.auditNow(terminal);
      client.answer(terminal, first);
      await client.expect('result');
      const { nextAuditAt } = await endpoint.row(terminal);
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
      expect((await endpoint.row(terminal)).nextAuditAt).to.equal(nextAuditAt);
    });

    it('go on at the stored time after a reconnect, without any being due again', async () => {
      const client = await endpoint.admitted(terminal);
      const { nextAuditAt } = await endpoint.row(terminal);
      expect(nextAuditAt).to.be.greaterThan(Date.now() - 1);
      await client.end();
      const again = await endpoint.proven(terminal);
      expect((await again.audited(terminal)).verdict).to.equal('trusted');
      expect((await endpoint.row(terminal)).nextAuditAt).to.equal(nextAuditAt);
    });
  });

  it('scheduled audits come by themselves, as long as the terminal is connected', async () => {
    await endpoint.stop();
    endpoint = await TestEndpoint.start({ policy: { auditIntervalMs: 20 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    for (let i = 0; i < 5; i++) expect((await client.audited(terminal)).verdict).to.equal('trusted');
    const purposes = (await endpoint.decisions(terminal)).map(({ purpose }) => purpose);
    expect(purposes.slice(0, 3)).to.deep.equal(['gate', 'runtime', 'runtime']);
  });
});
