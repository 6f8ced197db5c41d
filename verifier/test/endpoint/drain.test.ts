import { connect } from 'node:net';
import { expect } from 'chai';
import type { TestTerminal } from '../appraisal/terminal.ts';
import { TestEndpoint } from './endpoint.ts';
import { TerminalClient } from './terminal-client.ts';

const GOING_AWAY = 1001;

describe('an endpoint that stops', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  let stopped: Promise<void> | undefined;
  beforeEach(async () => {
    stopped = undefined;
    endpoint = await TestEndpoint.start();
    terminal = await endpoint.enrolled();
  });
  afterEach(async () => {
    await stopped;
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.remove();
  });

  function stop(): Promise<void> {
    stopped = endpoint.listener.close();
    return stopped;
  }

  it('says goodbye to everybody with 1001, proven or not', async () => {
    const proven = await endpoint.admitted(terminal);
    const stranger = await endpoint.connect();
    await stranger.expect('greeting');
    await stop();
    expect(await proven.closed()).to.equal(GOING_AWAY);
    expect(await stranger.closed()).to.equal(GOING_AWAY);
    expect(await proven.rest()).to.deep.equal([]);
    expect(endpoint.listener.connections.size).to.equal(0);
    expect(endpoint.listener.connections.unauthenticated).to.equal(0);
  });

  it('answers what is in hand: a result that is recorded is told before the connection ends', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    const closing = stop();
    commit.release();
    const result = await client.expect('result');
    expect(result.verdict).to.equal('trusted');
    expect(await client.closed()).to.equal(GOING_AWAY);
    await closing;
    expect((await endpoint.decisions(terminal))[0]?.ledgerIndex).to.equal(result.ledgerIndex);
  });

  it('takes nothing more: evidence that comes while it stops is not appraised', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const late = endpoint.hold('noteLate');
    client.sendStrayEvidence();
    await late.arrived;
    const closing = stop();
    client.answer(terminal, challenge);
    await client.roundTrip();
    late.release();
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    expect(await client.closed()).to.equal(GOING_AWAY);
    await closing;
    expect(await endpoint.decisions(terminal)).to.deep.equal([]);
  });

  it('asks nobody for more, though an audit was wanted', async () => {
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const commit = endpoint.hold('commitResult');
    client.answer(terminal, challenge);
    await commit.arrived;
    endpoint.auditNow(terminal);
    const closing = stop();
    commit.release();
    await closing;
    expect((await client.rest()).map(({ type }) => type)).to.deep.equal(['result']);
  });

  it('cuts off who does not answer the goodbye', async () => {
    const client = await endpoint.admitted(terminal);
    client.socket.pause();
    await stop();
    expect(endpoint.listener.connections.size).to.equal(0);
    client.socket.terminate();
  });

  it('takes no new connection', async () => {
    const { url, ca } = endpoint;
    await stop();
    let refused: unknown;
    try {
      await TerminalClient.connect(url, ca);
    } catch (error) {
      refused = error;
    }
    expect(String(refused)).to.contain('ECONNREFUSED');
  });

  it('does not wait for handshakes under way', async () => {
    const socket = connect({ host: '127.0.0.1', port: endpoint.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.on('error', () => undefined);
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const began = performance.now();
    await stop();
    await gone;
    expect(performance.now() - began).to.be.below(3000);
  });
});
