import { AK_ATTRIBUTES, encodeMessage, type Message, NO_DA } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { TestKey } from '../appraisal/signing-key.ts';
import { AUDIENCE, type Lies, TestTerminal } from '../appraisal/terminal.ts';
import { type EndpointSettings, TestEndpoint } from '../endpoint/endpoint.ts';
import type { ReceivedChallenge, TerminalClient } from '../endpoint/terminal-client.ts';
import { until } from '../endpoint/until.ts';

const REFUSED = ['enrolment.refused', 1008];
const INVALID = ['enrolment.token-invalid', 1008];
const REUSED = ['enrolment.token-reused', 1008];

describe('an enrolment by token', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  let secret: Uint8Array;
  async function start(settings: EndpointSettings = {}): Promise<void> {
    endpoint = await TestEndpoint.start(settings);
    terminal = new TestTerminal().bootRelease();
    secret = await endpoint.token('t-1');
  }
  beforeEach(async () => {
    await start();
  });
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  const request = (
    one: TestTerminal,
    token: Uint8Array,
    changes: Partial<Message<'enrol'>> = {},
  ): Message<'enrol'> => ({
    type: 'enrol',
    terminal: one.id,
    token,
    akPublic: one.ak.akPublic(),
    sessionKey: one.session.spki(),
    ...changes,
  });

  /** A connection that asked for enrolment. */
  async function asked(
    one: TestTerminal = terminal,
    token = secret,
    changes: Partial<Message<'enrol'>> = {},
  ): Promise<TerminalClient> {
    const client = await endpoint.connect();
    await client.expect('greeting');
    client.send(request(one, token, changes));
    return client;
  }

  function evidence(
    client: TerminalClient,
    challenge: ReceivedChallenge,
    one: TestTerminal = terminal,
    lies: Lies = {},
    token = secret,
  ): Message<'evidence'> {
    const quote = one.quote(challenge, client.binding, { tokenDigest: nodeCrypto.sha256(token), ...lies });
    return { type: 'evidence', challenge: challenge.id, ...quote, log: new Uint8Array() };
  }

  async function enrolled(one: TestTerminal = terminal, token = secret): Promise<TerminalClient> {
    const client = await asked(one, token);
    client.send(evidence(client, await client.challenge(), one, {}, token));
    expect(await client.expect('enrolled')).to.deep.equal({ type: 'enrolled', terminal: one.id, audience: AUDIENCE });
    return client;
  }

  /** Everything that is stored of terminals and tokens. */
  async function everything(): Promise<unknown> {
    const { db } = endpoint.store;
    const terminals = await db.selectFrom('terminals').selectAll().execute();
    return { terminals, tokens: await db.selectFrom('tokens').selectAll().execute() };
  }

  it('turns a token into an enrolment, with a challenge of its own purpose and no cursor', async () => {
    const client = await asked();
    const challenge = await client.challenge();
    expect(challenge.purpose).to.equal('enrol');
    expect(challenge.message.cursor).to.equal(undefined);
    client.send(evidence(client, challenge));
    await client.expect('enrolled');
    const row = await endpoint.row(terminal);
    expect(row.akName).to.deep.equal(terminal.akName);
    expect(row.qualifiedName).to.deep.equal(terminal.qualifiedName);
    expect(row.sessionKey).to.deep.equal(terminal.session.spki());
    expect(row.class).to.equal('simulated');
    expect(row.admission).to.equal('enrolled');
    expect(row.accepted).to.equal(undefined);
  });

  it('leaves the connection where it was before: hello may follow on it', async () => {
    const client = await endpoint.connect();
    const { nonce, audience } = await client.expect('greeting');
    client.send(request(terminal, secret));
    client.send(evidence(client, await client.challenge()));
    await client.expect('enrolled');
    const signature = terminal.signHello({ nonce, audience, binding: client.binding, terminal: terminal.id });
    client.send({ type: 'hello', terminal: terminal.id, signature });
    expect((await client.audited(terminal)).verdict).to.equal('trusted');
  });

  it('proves nothing of the PCRs: the gate does', async () => {
    terminal.extend(12, new Uint8Array(32));
    await enrolled();
    const client = await endpoint.proven(terminal);
    expect((await client.audited(terminal)).codes).to.deep.equal(['log.replay']);
  });

  describe('is refused for a token', () => {
    it('that nobody made', async () => {
      const client = await asked(terminal, new Uint8Array(32).fill(7));
      expect(await client.refused()).to.deep.equal(INVALID);
    });

    it('of another terminal', async () => {
      const client = await asked(new TestTerminal('t-2').bootRelease());
      expect(await client.refused()).to.deep.equal(INVALID);
    });

    it('that has expired unused', async () => {
      const client = await asked(terminal, await endpoint.token('t-1', -1));
      expect(await client.refused()).to.deep.equal(INVALID);
    });

    it('that expired while the quote was made', async () => {
      const client = await asked();
      const challenge = await client.challenge();
      await endpoint.store.db.updateTable('tokens').set({ expires_at: 1 }).execute();
      client.send(evidence(client, challenge));
      expect(await client.refused()).to.deep.equal(INVALID);
      expect(await everything())
        .to.have.property('terminals')
        .that.deep.equals([]);
    });

    it('with the same words each, whoever asks (F-69)', async () => {
      const answers = [];
      for (const [one, token] of [
        [terminal, new Uint8Array(32)],
        [new TestTerminal('t-2'), secret],
        [terminal, await endpoint.token('t-1', -1)],
      ] as const) {
        answers.push(await (await asked(one, token)).refused());
      }
      expect(new Set(answers.map(String)).size).to.equal(1);
    });
  });

  describe('is refused for a key', () => {
    const keys: readonly (readonly [string, (one: TestTerminal) => Partial<Message<'enrol'>>])[] = [
      ['that is not restricted (F-09)', (one) => ({ akPublic: one.ak.akPublic(AK_ATTRIBUTES & ~0x10000) })],
      ['with an attribute too many (F-09)', (one) => ({ akPublic: one.ak.akPublic(AK_ATTRIBUTES | 0x20000) })],
      ['without protection against dictionaries', (one) => ({ akPublic: one.ak.akPublic(AK_ATTRIBUTES | NO_DA) })],
      ['that does not parse', () => ({ akPublic: new Uint8Array(64) })],
      ['with bytes after it (F-19)', (one) => ({ akPublic: Uint8Array.from([...one.ak.akPublic(), 0]) })],
      ['of a session that is none', () => ({ sessionKey: new Uint8Array(91) })],
      ['of a session that is no point (F-62)', (one) => ({ sessionKey: withLastByte(one.session.spki()) })],
    ];
    for (const [what, changes] of keys) {
      it(what, async () => {
        const before = await everything();
        const client = await asked(terminal, secret, changes(terminal));
        expect(await client.refused()).to.deep.equal(REFUSED);
        expect(await everything()).to.deep.equal(before);
      });
    }
  });

  describe('is refused for a quote', () => {
    const impostor = new TestKey('impostor');
    const lies: readonly (readonly [string, Lies])[] = [
      ['by another key than the one asked for (F-08)', { signer: impostor }],
      ['for another purpose (F-05)', { context: { purpose: 'gate' } }],
      ['for another terminal (F-04)', { context: { terminal: 't-2' } }],
      ['for another verifier', { context: { audience: 'verifier-b' } }],
      [
        'bound to another channel (F-03)',
        { context: { binding: { type: 'tls-exporter', value: new Uint8Array(32) } } },
      ],
      ['that vouches for another session key', { context: { keyToBind: impostor.spki() } }],
      ['that vouches for no session key', { context: { keyToBind: undefined } }],
      ['that knows another token', { tokenDigest: new Uint8Array(32) }],
    ];
    for (const [what, lie] of lies) {
      it(what, async () => {
        const before = await everything();
        const client = await asked();
        client.send(evidence(client, await client.challenge(), terminal, lie));
        expect(await client.refused()).to.deep.equal(REFUSED);
        expect(await everything()).to.deep.equal(before);
      });
    }

    it('that knows no token', async () => {
      const client = await asked();
      const challenge = await client.challenge();
      const lie = { context: { keyToBind: terminal.session.spki() } };
      const quote = terminal.quote(challenge, client.binding, lie);
      client.send({ type: 'evidence', challenge: challenge.id, ...quote, log: new Uint8Array() });
      expect(await client.refused()).to.deep.equal(REFUSED);
    });

    it('under the id of another challenge, or with a log or lists', async () => {
      const changes: readonly Partial<Message<'evidence'>>[] = [
        { challenge: new Uint8Array(8) },
        { log: new Uint8Array(1) },
        { moreLog: true },
        { lists: 1 },
      ];
      for (const change of changes) {
        const client = await asked();
        client.send({ ...evidence(client, await client.challenge()), ...change });
        expect(await client.refused(), JSON.stringify(change)).to.deep.equal(REFUSED);
      }
    });

    it('that comes after the life of its challenge', async () => {
      const client = await asked();
      const challenge = await client.challenge();
      endpoint.later = 30_001;
      client.send(evidence(client, challenge));
      expect(await client.refused()).to.deep.equal(REFUSED);
    });

    it('that was made before: a challenge is answered once (F-01)', async () => {
      const first = await asked();
      const challenge = await first.challenge();
      const recorded = encodeMessage(evidence(first, challenge));
      const second = await asked();
      await second.challenge();
      second.sendBytes(recorded);
      expect(await second.refused()).to.deep.equal(REFUSED);
    });
  });

  describe('a token that was used', () => {
    it('by its own holder once more is answered the same, and nothing is written', async () => {
      await enrolled();
      const before = await everything();
      await enrolled();
      expect(await everything()).to.deep.equal(before);
      expect(await endpoint.alarms()).to.deep.equal([]);
    });

    it('is answered so though the terminal is connected and admitted, and disturbs it not', async () => {
      await enrolled();
      const client = await endpoint.admitted(terminal);
      await enrolled();
      endpoint.auditNow(terminal);
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
    });

    it('with another AK leaves the terminal unknown until a person resolves it, and raises an alarm', async () => {
      await enrolled();
      const client = await endpoint.admitted(terminal);
      const second = new TestTerminal('t-1', 'second device').bootRelease();
      const thief = await asked(second);
      thief.send(evidence(thief, await thief.challenge(), second));
      expect(await thief.refused()).to.deep.equal(REUSED);
      expect(await endpoint.alarms()).to.deep.equal([['enrolment.token-reused', 't-1', 1]]);
      const row = await endpoint.row(terminal);
      expect(row.unknownCode).to.equal('enrolment.token-reused');
      expect(row.akName, 'the first keeps its enrolment').to.deep.equal(terminal.akName);
      endpoint.auditNow(terminal);
      const result = await client.audited(terminal);
      expect(result.verdict).to.equal('unknown');
      expect(result.codes).to.deep.equal(['enrolment.token-reused']);
    });

    it('with the same AK and another session key is no enrolment', async () => {
      await enrolled();
      const before = await everything();
      const other = new TestKey('another session');
      const client = await asked(terminal, secret, { sessionKey: other.spki() });
      const lies = { context: { keyToBind: other.spki() } };
      client.send(evidence(client, await client.challenge(), terminal, lies));
      expect(await client.refused()).to.deep.equal(INVALID);
      expect(await everything()).to.deep.equal(before);
    });

    it('is no way to tell whether somebody used it: without the quote nothing is said', async () => {
      await enrolled();
      const second = new TestTerminal('t-1', 'second device').bootRelease();
      const thief = await asked(second);
      thief.send(evidence(thief, await thief.challenge(), second, { signer: new TestKey('impostor') }));
      expect(await thief.refused()).to.deep.equal(REFUSED);
      expect(await endpoint.alarms()).to.deep.equal([]);
      expect((await endpoint.row(terminal)).unknownCode).to.equal(undefined);
    });

    it('by two at once enrols one', async () => {
      const second = new TestTerminal('t-1', 'second device').bootRelease();
      const [a, b] = [await asked(), await asked(second)];
      const [first, other] = [await a.challenge(), await b.challenge()];
      const enrol = endpoint.hold('enrol');
      a.send(evidence(a, first));
      await enrol.arrived;
      b.send(evidence(b, other, second));
      await b.expect('enrolled');
      enrol.release();
      expect(await a.refused()).to.deep.equal(REUSED);
      expect((await endpoint.row(terminal)).akName).to.deep.equal(second.akName);
    });
  });

  it('with a new AK ends a break of identity; with the old one it does not', async () => {
    await enrolled();
    const old = terminal.copy();
    terminal.bootRelease();
    await (await endpoint.admitted(terminal)).end();
    const client = await endpoint.proven(old);
    const runtime = await client.challenge();
    client.send({ type: 'bootNew', challenge: runtime.id, boot: old.boot });
    expect((await client.audited(old)).codes).to.deep.equal(['identity.rolled-back']);

    const again = await endpoint.token('t-1');
    const same = await asked(terminal, again);
    same.send(evidence(same, await same.challenge(), terminal, {}, again));
    expect(await same.refused()).to.deep.equal(['enrolment.same-ak', 1008]);

    const repaired = new TestTerminal('t-1', 'new keys').bootRelease();
    await enrolled(repaired, again);
    expect((await (await endpoint.proven(repaired)).audited(repaired)).verdict).to.equal('trusted');
  });

  it('takes its time once the token proved valid, and no longer (F-53)', async () => {
    await endpoint.stop();
    await start({ policy: { unauthenticatedDeadlineMs: 100, enrolmentDeadlineMs: 300 } });
    const client = await asked();
    await client.challenge();
    const began = performance.now();
    expect(await client.refused()).to.deep.equal(['session.deadline', 1008]);
    expect(performance.now() - began).to.be.greaterThan(200);
  });

  it('is over where the connection ends before the quote: the token is still there', async () => {
    const client = await asked();
    await client.challenge();
    await client.end();
    await until(() => endpoint.listener.connections.unauthenticated === 0);
    await enrolled();
  });

  it('closed while the store looks for the token goes no further', async () => {
    const find = endpoint.hold('findToken');
    const client = await asked();
    await find.arrived;
    await client.end();
    await until(() => endpoint.listener.connections.unauthenticated === 0);
    find.release();
    await enrolled();
  });

  it('cannot be begun twice on one connection, nor mixed with hello (F-59)', async () => {
    const twice = await asked();
    await twice.challenge();
    twice.send(request(terminal, secret));
    expect((await twice.refused())[0]).to.equal('session.unexpected-message');
    const mixed = await asked();
    await mixed.challenge();
    mixed.send({ type: 'hello', terminal: 't-1', signature: new Uint8Array(64) });
    expect((await mixed.refused())[0]).to.equal('session.unexpected-message');
  });

  it('stores no secret: neither the token nor anything that it could be found by but its digest (invariant 1)', async () => {
    await enrolled();
    const text = JSON.stringify(await everything(), (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
    expect(text).to.not.contain(Buffer.from(secret).toString('hex'));
    expect(text).to.contain(Buffer.from(nodeCrypto.sha256(secret)).toString('hex'));
  });
});

/** A key whose point is not on the curve. */
function withLastByte(spki: Uint8Array): Uint8Array {
  return Uint8Array.from(spki, (byte, i) => (i === spki.length - 1 ? byte ^ 1 : byte));
}
