import { expect } from 'chai';
import { TestTerminal } from '../appraisal/terminal.ts';
import { TestEndpoint } from './endpoint.ts';

describe('a stranger', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  const stranger = new TestTerminal('t-1', 'stranger').bootRelease();
  beforeEach(async () => {
    endpoint = await TestEndpoint.start();
    terminal = await endpoint.enrolled();
  });
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  it('with a wrong signature changes nobody’s verdict, closes no connection, and raises one alarm', async () => {
    const genuine = await endpoint.admitted(terminal);
    const before = await endpoint.row(terminal);
    for (let i = 0; i < 3; i++) {
      const client = await endpoint.connect();
      await client.hello(terminal, stranger);
      expect(await client.refused()).to.deep.equal(['session.unproven', 1008]);
    }
    await endpoint.idle();
    expect(await endpoint.row(terminal)).to.deep.equal(before);
    expect(await endpoint.alarms()).to.deep.equal([['connection.unproven', 't-1', 3]]);
    endpoint.auditNow(terminal);
    expect((await genuine.audited(terminal)).verdict).to.equal('trusted');
  });

  it('gets the same answer for a terminal that is enrolled and for one that is not (F-69)', async () => {
    const nobody = new TestTerminal('t-404');
    const answers = [];
    for (const name of [terminal, nobody]) {
      const client = await endpoint.connect();
      await client.hello(name, stranger);
      answers.push(await client.refused());
    }
    await endpoint.idle();
    expect(answers[0]).to.deep.equal(answers[1]);
    expect(
      (await endpoint.alarms()).map(([, name]) => name),
      'no alarm for a name that nobody has',
    ).to.deep.equal(['t-1']);
  });

  it('cannot pass a hello on to another connection: the channel is signed (F-03)', async () => {
    const genuine = await endpoint.admitted(terminal);
    const relay = await endpoint.connect();
    const { nonce, audience } = await relay.expect('greeting');
    const signature = terminal.signHello({ nonce, audience, binding: genuine.binding, terminal: terminal.id });
    relay.send({ type: 'hello', terminal: terminal.id, signature });
    expect((await relay.refused())[0]).to.equal('session.unproven');
    expect((await endpoint.row(terminal)).session).to.equal(1);
  });

  it('cannot use a hello again: the greeting is new each time (F-01)', async () => {
    const first = await endpoint.connect();
    const { nonce } = await first.expect('greeting');
    const second = await endpoint.connect();
    const greeting = await second.expect('greeting');
    expect(greeting.nonce).to.not.deep.equal(nonce);
    const { audience } = greeting;
    const signature = terminal.signHello({ nonce, audience, binding: second.binding, terminal: terminal.id });
    second.send({ type: 'hello', terminal: terminal.id, signature });
    expect((await second.refused())[0]).to.equal('session.unproven');
  });

  const others: readonly (readonly [string, Partial<{ audience: string; terminal: string }>])[] = [
    ['another verifier', { audience: 'verifier-b' }],
    ['another terminal', { terminal: 't-2' }],
  ];
  for (const [what, changes] of others) {
    it(`cannot use a hello made for ${what}`, async () => {
      const client = await endpoint.connect();
      const { nonce, audience } = await client.expect('greeting');
      const context = { nonce, audience, binding: client.binding, terminal: terminal.id, ...changes };
      client.send({ type: 'hello', terminal: terminal.id, signature: terminal.signHello(context) });
      expect((await client.refused())[0]).to.equal('session.unproven');
    });
  }

  it('cannot stay: its connection is gone and nothing is kept of it', async () => {
    for (let i = 0; i < 20; i++) {
      const client = await endpoint.connect();
      await client.hello(terminal, stranger);
      await client.closed();
    }
    expect(endpoint.listener.connections.unauthenticated).to.equal(0);
    expect(endpoint.listener.connections.size).to.equal(0);
  });

  it('with the keys of before cannot speak for a terminal that was enrolled anew (F-13)', async () => {
    const old = await endpoint.admitted(terminal);
    const anew = new TestTerminal('t-1', 'new keys').bootRelease();
    await endpoint.enrol(anew);
    endpoint.auditNow(terminal);
    old.answer(terminal, await old.challenge());
    expect(await old.refused(), 'its session is over').to.deep.equal(['session.superseded', 1008]);
    const again = await endpoint.proven(terminal);
    expect((await again.refused())[0]).to.equal('session.unproven');
    const client = await endpoint.proven(anew);
    expect((await client.audited(anew)).verdict).to.equal('trusted');
  });

  it('whose old hello verified just before the new enrolment gets no session out of it (F-13)', async () => {
    const raise = endpoint.hold('raiseSession');
    const old = await endpoint.proven(terminal);
    await raise.arrived;
    const anew = new TestTerminal('t-1', 'new keys').bootRelease();
    await endpoint.enrol(anew);
    raise.release();
    expect(await old.refused()).to.deep.equal(['session.unproven', 1008]);
    const client = await endpoint.proven(anew);
    expect((await client.audited(anew)).verdict).to.equal('trusted');
    expect((await endpoint.row(anew)).condemned).to.equal(undefined);
  });
});
