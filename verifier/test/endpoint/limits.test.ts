import { encodeMessage } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { TokenBucket } from '../../src/endpoint/token-bucket.ts';
import type { TestTerminal } from '../appraisal/terminal.ts';
import { type EndpointSettings, TestEndpoint } from './endpoint.ts';
import type { TerminalClient } from './terminal-client.ts';
import { until } from './until.ts';

const RATE = ['limit.rate', 1008];
const PART = encodeMessage({ type: 'part', challenge: new Uint8Array(8), kind: 'log', body: new Uint8Array() });

describe('limits of a connection', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  async function start(settings: EndpointSettings = {}): Promise<void> {
    endpoint = await TestEndpoint.start(settings);
    terminal = await endpoint.enrolled();
  }
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  async function challenged(): Promise<TerminalClient> {
    const client = await endpoint.proven(terminal);
    await client.challenge();
    return client;
  }

  it('ends one that sends more messages than its bucket holds (F-54)', async () => {
    await start({ policy: { messageBurst: 20, messagesPerSecond: 1 } });
    const client = await challenged();
    for (let i = 0; i < 30; i++) client.sendBytes(PART);
    expect(await client.refused()).to.deep.equal(RATE);
    expect((await endpoint.row(terminal)).condemned).to.equal(undefined);
  });

  it('fills the bucket again as time passes (F-54)', async () => {
    await start({ policy: { messageBurst: 4, messagesPerSecond: 1 } });
    const client = await challenged();
    for (let i = 0; i < 10; i++) {
      endpoint.later += 1000;
      client.sendBytes(PART);
      endpoint.later += 1000;
      await client.roundTrip();
    }
    expect(client.socket.readyState).to.equal(client.socket.OPEN);
  });

  it('counts pings like messages: their pongs could fill the memory of who does not read (F-54)', async () => {
    await start({ policy: { messageBurst: 20, messagesPerSecond: 1 } });
    const stranger = await endpoint.connect();
    await stranger.expect('greeting');
    for (const client of [stranger, await challenged()]) {
      for (let i = 0; i < 30; i++) client.socket.ping();
      expect(await client.refused()).to.deep.equal(RATE);
    }
  });

  it('answers pings within it', async () => {
    await start();
    const client = await challenged();
    const data = new Promise<Buffer>((resolve) => client.socket.once('pong', resolve));
    client.socket.ping('are you there');
    expect(String(await data)).to.equal('are you there');
  });

  it('ends one with too many messages in hand while the first waits for the store (F-54)', async () => {
    await start({ policy: { messageBurst: 1_000_000 } });
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    for (let i = 0; i < 200; i++) client.sendBytes(PART);
    expect(await client.refused()).to.deep.equal(RATE);
    commit.release();
  });

  it('reads no more where half as many wait, and goes on once they are handled (F-54)', async () => {
    await start({ policy: { messageBurst: 1_000_000 } });
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    const connection = endpoint.listener.connections.find(terminal.id);
    for (let i = 0; i < 30; i++) {
      client.sendBytes(PART);
      await client.roundTrip();
    }
    expect(connection?.socket.isPaused, 'before').to.equal(false);
    client.sendBytes(PART);
    await until(() => connection?.socket.isPaused === true);
    const pong = new Promise((resolve) => client.socket.once('pong', resolve));
    client.socket.ping();
    commit.release();
    expect((await client.expect('result')).verdict).to.equal('trusted');
    await pong;
    expect(connection?.socket.isPaused, 'after').to.equal(false);
    endpoint.auditNow(terminal);
    expect((await client.audited(terminal)).verdict).to.equal('trusted');
  });

  it('ends a stranger that sends more than 64 KiB, in however many messages (invariant 8)', async () => {
    await start({ policy: { messageBurst: 1_000_000 } });
    const find = endpoint.hold('find');
    const client = await endpoint.proven(terminal);
    await find.arrived;
    for (let i = 0; i < 4; i++) client.sendBytes(new Uint8Array(16_400));
    expect(await client.refused()).to.deep.equal(RATE);
    find.release();
  });
});

describe('TokenBucket', () => {
  it('allows its burst at once, and then so many a second', () => {
    const bucket = new TokenBucket(3, 10, 1000);
    expect([1, 2, 3, 4].map(() => bucket.take(1000))).to.deep.equal([true, true, true, false]);
    expect(bucket.take(1099)).to.equal(false);
    expect(bucket.take(1100)).to.equal(true);
    expect(bucket.take(1100)).to.equal(false);
  });

  it('never holds more than its burst', () => {
    const bucket = new TokenBucket(2, 1000, 0);
    expect([1, 2, 3].map(() => bucket.take(1_000_000))).to.deep.equal([true, true, false]);
  });
});
