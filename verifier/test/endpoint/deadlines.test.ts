import { expect } from 'chai';
import type { TestTerminal } from '../appraisal/terminal.ts';
import { TestEndpoint } from './endpoint.ts';

describe('deadlines of a challenge', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  describe('a nonce that lives 80 ms', () => {
    beforeEach(async () => {
      endpoint = await TestEndpoint.start({ policy: { nonceLifeMs: 80 } });
      terminal = await endpoint.enrolled();
    });

    it('is not answered in time: the audit that was asked for meanwhile follows', async () => {
      const client = await endpoint.proven(terminal);
      const first = await client.challenge();
      endpoint.auditNow(terminal);
      const second = await client.challenge();
      expect(second.nonce).to.not.deep.equal(first.nonce);
      client.answer(terminal.copy(), first);
      expect((await client.expect('noResult')).code).to.equal('challenge.expired');
      client.answer(terminal, second);
      expect((await client.expect('result')).verdict).to.equal('trusted');
    });

    it('late evidence changes no verdict, and says that it was late', async () => {
      const client = await endpoint.admitted(terminal);
      endpoint.auditNow(terminal);
      const challenge = await client.challenge();
      endpoint.auditNow(terminal);
      await client.challenge();
      client.answer(terminal.copy(), challenge);
      expect((await client.expect('noResult')).code).to.equal('challenge.expired');
      const { lateCode, condemned, admission } = await endpoint.row(terminal);
      expect(lateCode).to.equal('challenge.expired');
      expect(condemned).to.equal(undefined);
      expect(admission).to.equal('admitted');
    });
  });

  it('a deadline that passes while evidence waits for the store does not take its parts away', async () => {
    endpoint = await TestEndpoint.start({ policy: { nonceLifeMs: 60 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    terminal.start('usim.bin');
    const { log, list, ...quote } = terminal.answer(challenge, client.binding, challenge.message.cursor?.count);
    // Appraised, then asked for a list: the challenge's own deadline has long passed when the list comes.
    const find = endpoint.hold('findList');
    client.send({ type: 'evidence', challenge: challenge.id, ...quote, log });
    await find.arrived;
    await timerOf(60);
    find.release();
    expect((await client.expect('want')).list).to.deep.equal(list.digest);
    client.send({ type: 'part', challenge: challenge.id, kind: 'list', body: list.bytes, last: true });
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('a deadline that was due when a frame had come before it leaves the next challenge alone', async () => {
    endpoint = await TestEndpoint.start({ policy: { nonceLifeMs: 60 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const runtime = await client.challenge();
    // A message whose handling waits for the store stands before boot.new, so that the deadline falls due in the queue behind both.
    const late = endpoint.hold('noteLate');
    client.sendStrayEvidence();
    terminal.bootRelease(2);
    client.send({ type: 'bootNew', challenge: runtime.id, boot: terminal.boot });
    await late.arrived;
    await timerOf(60);
    late.release();
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    client.answer(terminal, await client.challenge());
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('evidence counts by its arrival, not by when it is handled', async () => {
    endpoint = await TestEndpoint.start({ policy: { nonceLifeMs: 60 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    const late = endpoint.hold('noteLate');
    client.sendStrayEvidence();
    client.answer(terminal, challenge);
    await late.arrived;
    await client.roundTrip();
    await timerOf(60);
    late.release();
    await client.expect('noResult');
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('a clock that passes the life without a timer makes evidence late all the same', async () => {
    endpoint = await TestEndpoint.start({ policy: { nonceLifeMs: 60_000 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    endpoint.later = 60_001;
    client.answer(terminal.copy(), challenge);
    expect((await client.expect('noResult')).code).to.equal('challenge.expired');
    client.answer(terminal.copy(), challenge);
    expect((await client.expect('noResult')).code).to.equal('challenge.expired');
    endpoint.auditNow(terminal);
    client.answer(terminal, await client.challenge());
    expect((await client.expect('result')).verdict).to.equal('trusted');
    expect((await endpoint.row(terminal)).lateCode, 'forgotten once it affirmed').to.equal(undefined);
  });

  it('boot.new after the life of its challenge is no announcement', async () => {
    endpoint = await TestEndpoint.start({ policy: { nonceLifeMs: 60_000 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    endpoint.later = 60_001;
    client.send({ type: 'bootNew', challenge: challenge.id, boot: { resetCount: 2, restartCount: 0 } });
    await client.roundTrip();
    endpoint.auditNow(terminal);
    const next = await client.challenge();
    expect(next.purpose).to.equal('runtime');
    expect((await endpoint.row(terminal)).pendingAt).to.equal(undefined);
  });

  it('parts that stay out are waited for so long, and then no more: no verdict, and the next audit goes on', async () => {
    endpoint = await TestEndpoint.start({ policy: { partsDeadlineMs: 60 } });
    terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const { log, list, ...quote } = terminal.answer(challenge, client.binding);
    client.send({ type: 'evidence', challenge: challenge.id, ...quote, log, lists: 1 });
    endpoint.auditNow(terminal);
    const next = await client.challenge();
    client.send({ type: 'part', challenge: challenge.id, kind: 'list', body: list.bytes, last: true });
    client.answer(terminal, next);
    expect((await client.expect('result')).verdict).to.equal('trusted');
    expect((await endpoint.decisions(terminal)).length).to.equal(1);
  });
});

/** Resolves after every timer of this length that was set before: those of the verifier run in this process. */
function timerOf(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
