import { encodeMessage, type Message, type TerminalMessage } from '@mtm-attest/protocol';
import { expect } from 'chai';
import type { TestTerminal } from '../appraisal/terminal.ts';
import { TestEndpoint } from './endpoint.ts';
import type { TerminalClient } from './terminal-client.ts';
import { until } from './until.ts';

const UNEXPECTED = ['session.unexpected-message', 1002];
const STRAY = new Uint8Array(8).fill(0xee);

const hello = (terminal: TestTerminal): Message<'hello'> => ({
  type: 'hello',
  terminal: terminal.id,
  signature: new Uint8Array(64).fill(1),
});

const enrol = (terminal: TestTerminal): Message<'enrol'> => ({
  type: 'enrol',
  terminal: terminal.id,
  token: new Uint8Array(32).fill(1),
  akPublic: terminal.ak.akPublic(),
  sessionKey: terminal.session.spki(),
});

const evidence = (challenge: Uint8Array = STRAY): Message<'evidence'> => ({
  type: 'evidence',
  challenge,
  attest: new Uint8Array(80).fill(1),
  signature: new Uint8Array(80).fill(1),
  claims: new Uint8Array(4).fill(1),
  log: new Uint8Array(),
});

const part = (challenge: Uint8Array = STRAY): Message<'part'> => ({
  type: 'part',
  challenge,
  kind: 'log',
  body: new Uint8Array(),
});

const bootNew = (challenge: Uint8Array = STRAY): Message<'bootNew'> => ({
  type: 'bootNew',
  challenge,
  boot: { resetCount: 7, restartCount: 0 },
});

describe('a connection in each of its states (F-59)', () => {
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

  /** Which message is refused in which state, as the transition table says. */
  const refused: readonly (readonly [
    state: string,
    to: () => Promise<{ client: TerminalClient; challenge: Uint8Array }>,
    messages: Readonly<Record<string, (challenge: Uint8Array) => TerminalMessage>>,
  ])[] = [
    [
      'before hello',
      async () => {
        const client = await endpoint.connect();
        await client.expect('greeting');
        return { client, challenge: STRAY };
      },
      { evidence, part, bootNew },
    ],
    [
      'with an open challenge',
      async () => {
        const client = await endpoint.proven(terminal);
        return { client, challenge: (await client.challenge()).id };
      },
      {
        'hello once more': () => hello(terminal),
        enrol: () => enrol(terminal),
        'boot.new at the gate': bootNew,
      },
    ],
    [
      'while nothing is asked',
      async () => ({ client: await endpoint.admitted(terminal), challenge: STRAY }),
      { 'hello once more': () => hello(terminal), enrol: () => enrol(terminal) },
    ],
    [
      'while parts are due',
      async () => {
        const client = await endpoint.proven(terminal);
        const { id } = await client.challenge();
        client.send({ ...evidence(id), moreLog: true });
        return { client, challenge: id };
      },
      {
        'hello once more': () => hello(terminal),
        enrol: () => enrol(terminal),
        'evidence once more': evidence,
        'evidence for another challenge': () => evidence(),
        'boot.new': bootNew,
        'boot.new for another challenge': () => bootNew(),
        'a list before the log is whole': (id) => ({ ...part(id), kind: 'list' }),
      },
    ],
  ];
  for (const [state, reach, messages] of refused) {
    for (const [what, message] of Object.entries(messages)) {
      it(`${state}: refuses ${what}`, async () => {
        const { client, challenge } = await reach();
        client.sendBytes(encodeMessage(message(challenge)));
        expect(await client.refused()).to.deep.equal(UNEXPECTED);
        expect((await endpoint.row(terminal)).condemned, 'a fault of the protocol is no evidence').to.equal(undefined);
      });
    }
  }

  it('ignores parts for a challenge that is not open, in every state that may meet them', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    client.send(part());
    client.answer(terminal, challenge);
    expect((await client.expect('result')).verdict).to.equal('trusted');
    client.send(part());
    client.send(part(challenge.id));
    endpoint.auditNow(terminal);
    client.answer(terminal, await client.challenge());
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('ignores a part for another challenge while parts are due', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const { log, list, ...quote } = terminal.answer(challenge, client.binding);
    client.send({ type: 'evidence', challenge: challenge.id, ...quote, log, lists: 1 });
    client.send({ ...part(), last: true });
    client.send({ type: 'part', challenge: challenge.id, kind: 'list', body: list.bytes, last: true });
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('refuses a part that nothing announced', async () => {
    const client = await endpoint.proven(terminal);
    const { id } = await client.challenge();
    client.send({ ...evidence(id), lists: 1 });
    client.send(part(id));
    expect(await client.refused()).to.deep.equal(UNEXPECTED);
  });

  it('answers evidence that comes while other evidence is appraised as not open, and appraises it never', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    client.send(evidence(challenge.id));
    client.send(evidence(challenge.id));
    await client.roundTrip();
    commit.release();
    expect((await client.expect('result')).verdict).to.equal('trusted');
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    const { condemned, lateCode } = await endpoint.row(terminal);
    expect(condemned).to.equal(undefined);
    expect(lateCode).to.equal('challenge.not-open');
    expect((await endpoint.decisions(terminal)).length).to.equal(1);
  });

  it('takes two answers to one challenge, sent at once, as one', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const list = endpoint.hold('findList');
    const copy = terminal.copy();
    const first = terminal.answer(challenge, client.binding);
    const second = copy.answer(challenge, client.binding);
    for (const { attest, signature, claims, log } of [first, second]) {
      client.send({ type: 'evidence', challenge: challenge.id, attest, signature, claims, log });
    }
    await list.arrived;
    await client.roundTrip();
    list.release();
    expect((await client.expect('want')).list).to.deep.equal(first.list.digest);
    expect(await client.refused(), 'the second while the list of the first is due').to.deep.equal(UNEXPECTED);
    expect((await endpoint.decisions(terminal)).length).to.equal(0);
  });

  it('handles frames in the order in which they came, though the first waits for the store', async () => {
    const find = endpoint.hold('find');
    const client = await endpoint.proven(terminal);
    await find.arrived;
    client.send(evidence());
    await client.roundTrip();
    find.release();
    expect((await client.next()).type).to.equal('challenge');
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
  });

  it('asks again who the terminal is after each wait: closed meanwhile, it proves nothing', async () => {
    const find = endpoint.hold('find');
    const client = await endpoint.proven(terminal);
    await find.arrived;
    await client.end();
    await until(() => endpoint.listener.connections.unauthenticated === 0);
    find.release();
    const other = await endpoint.proven(terminal);
    await other.challenge();
    expect((await endpoint.row(terminal)).session, 'the first raised no session').to.equal(1);
    expect(endpoint.listener.connections.size).to.equal(1);
  });

  it('closes when the terminal refuses', async () => {
    const client = await endpoint.proven(terminal);
    await client.challenge();
    client.send({ type: 'refusal', code: 'session.binding' });
    expect(await client.closed()).to.equal(1008);
    expect(endpoint.listener.connections.size).to.equal(0);
  });

  it('refuses messages that only a verifier sends', async () => {
    const client = await endpoint.proven(terminal);
    const { id: challenge } = await client.challenge();
    const leafHash = new Uint8Array(32);
    client.send({ type: 'result', challenge, verdict: 'trusted', ledgerIndex: 0, leafHash });
    expect(await client.refused()).to.deep.equal(['message.direction', 1002]);
  });

  it('refuses bytes that are no message by their code, proven or not', async () => {
    const junk: readonly (readonly [Uint8Array, string])[] = [
      [new Uint8Array(), 'msgpack.truncated'],
      [Uint8Array.of(0xc0), 'msgpack.type'],
      [Uint8Array.of(0x81, 0xa1, 0x74, 99), 'message.type'],
      [Uint8Array.of(0x81, 0xa1, 0x74, 2), 'message.field'],
    ];
    for (const [bytes, code] of junk) {
      const stranger = await endpoint.connect();
      await stranger.expect('greeting');
      stranger.sendBytes(bytes);
      expect(await stranger.refused()).to.deep.equal([code, 1002]);
      const client = await endpoint.proven(terminal);
      await client.challenge();
      client.sendBytes(bytes);
      expect(await client.refused()).to.deep.equal([code, 1002]);
    }
    expect((await endpoint.row(terminal)).condemned).to.equal(undefined);
  });
});
