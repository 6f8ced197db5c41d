import { randomBytes, X509Certificate } from 'node:crypto';
import { get } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { encodeMessage, SUBPROTOCOL } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { makeServerCertificate } from '../../src/cli/server-certificate.ts';
import { channelBinding } from '../../src/endpoint/channel.ts';
import { TestEndpoint } from './endpoint.ts';
import type { TerminalClient } from './terminal-client.ts';
import { until } from './until.ts';

const FRAME_TOO_BIG = 1009;

describe('the terminals’ endpoint', () => {
  let endpoint: TestEndpoint;
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  /** The status of an upgrade that is refused. */
  function refusal(url: string, protocols: string | string[] | undefined, headers = {}): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, protocols, { ca: endpoint.ca, headers });
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode);
      });
      socket.on('open', () => {
        reject(new Error('not refused'));
      });
      socket.on('error', () => undefined);
    });
  }

  function tls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: endpoint.port, ca: endpoint.ca, ...options });
      socket.once('secureConnect', () => {
        resolve(socket);
      });
      socket.once('error', reject);
    });
  }

  const upgrade = (headers: readonly string[] = [], path = '/attest'): string =>
    [
      `GET ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
      ...headers,
      '',
      '',
    ].join('\r\n');

  /** One byte at a time, each in a TLS record of its own, until the other end has had enough. */
  async function pieces(socket: TLSSocket, most: number): Promise<number> {
    socket.on('error', () => undefined);
    let sent = 0;
    for (; sent < most && socket.writable; sent++) {
      await new Promise((resolve) => socket.write(Uint8Array.of(0), resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.destroy();
    return sent;
  }

  function ended(socket: Socket): Promise<string> {
    let text = '';
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => undefined);
    return new Promise((resolve) => {
      socket.on('close', () => {
        resolve(text);
      });
    });
  }

  describe('with short deadlines', () => {
    beforeEach(async () => {
      endpoint = await TestEndpoint.start({
        listener: { handshakeDeadlineMs: 100 },
        policy: { unauthenticatedDeadlineMs: 100 },
      });
    });

    it('ends a connection whose first message does not come in time (F-53)', async () => {
      const client = await endpoint.connect();
      await client.expect('greeting');
      expect(await client.refused()).to.deep.equal(['session.deadline', 1008]);
      expect(endpoint.listener.connections.unauthenticated).to.equal(0);
    });

    it('ends it though it keeps sending pings (F-53)', async () => {
      const client = await endpoint.connect();
      await client.expect('greeting');
      const pings = setInterval(() => client.socket.ping(), 10);
      expect((await client.refused())[0]).to.equal('session.deadline');
      clearInterval(pings);
    });

    it('cuts off who does not take part in closing (F-53)', async () => {
      const socket = await tls();
      socket.write(upgrade());
      await ended(socket);
      expect(endpoint.listener.connections.unauthenticated).to.equal(0);
    });

    it('ends a TCP connection that never begins TLS (F-53)', async () => {
      await ended(connectTcp({ host: '127.0.0.1', port: endpoint.port }));
    });

    it('ends a TLS connection that sends no request, or half of one (F-53)', async () => {
      await ended(await tls());
      const slow = await tls();
      slow.write(upgrade().slice(0, 60));
      expect(await ended(slow)).to.match(/^HTTP\/1\.1 408 /);
    });

    it('ends one that sends its request byte by byte (F-53)', async () => {
      const socket = await tls();
      const bytes = Buffer.from(`${upgrade().slice(0, -2)}X-Padding: ${'x'.repeat(4000)}`);
      let at = 0;
      const drip = setInterval(() => socket.write(bytes.subarray(at, ++at)), 5);
      await ended(socket);
      clearInterval(drip);
    });
  });

  describe('with few places', () => {
    beforeEach(async () => {
      endpoint = await TestEndpoint.start({ listener: { maxUnauthenticated: 3 } });
    });

    it('gives the place of the oldest unproven connection to a new one (F-54)', async () => {
      const clients: TerminalClient[] = [];
      for (let i = 0; i < 5; i++) {
        const client = await endpoint.connect();
        await client.expect('greeting');
        clients.push(client);
      }
      const [first, second, third] = clients;
      expect(await first?.refused()).to.deep.equal(['limit.connections', 1008]);
      expect(await second?.refused()).to.deep.equal(['limit.connections', 1008]);
      expect(endpoint.listener.connections.unauthenticated).to.equal(3);
      await third?.roundTrip();
    });

    it('lets proven terminals in peace, and lets one in through a flood (F-54)', async () => {
      const terminal = await endpoint.enrolled();
      const early = await endpoint.admitted(terminal);
      const flood = await Promise.all(Array.from({ length: 12 }, () => endpoint.connect()));
      const other = await endpoint.enrolled('t-2');
      await endpoint.admitted(other);
      await Promise.all(flood.slice(0, 8).map((client) => client.closed()));
      endpoint.auditNow(terminal);
      expect((await early.audited(terminal)).verdict).to.equal('trusted');
      expect(endpoint.listener.connections.size).to.equal(2);
      expect(endpoint.listener.connections.unauthenticated).to.be.at.most(3);
    });

    it('bounds the sockets that have not come as far as the upgrade, too (F-54)', async () => {
      const sockets = Array.from({ length: 40 }, () => connectTcp({ host: '127.0.0.1', port: endpoint.port }));
      await Promise.all(sockets.slice(0, 28).map((socket) => ended(socket)));
      expect(sockets.slice(28).filter(({ destroyed }) => destroyed).length).to.equal(0);
      for (const socket of sockets) socket.destroy();
    });
  });

  describe('as it is', () => {
    beforeEach(async () => {
      endpoint = await TestEndpoint.start();
    });

    it('negotiates no compression (F-55)', async () => {
      const client = await endpoint.connect({ perMessageDeflate: true });
      expect(client.socket.extensions).to.equal('');
      await client.expect('greeting');
    });

    it('refuses a frame longer than 64 KiB, proven or not (F-56)', async () => {
      const terminal = await endpoint.enrolled();
      for (const client of [await endpoint.connect(), await endpoint.admitted(terminal)]) {
        client.sendBytes(new Uint8Array(65_537));
        expect(await client.closed()).to.equal(FRAME_TOO_BIG);
      }
      await until(() => endpoint.listener.connections.size === 0);
      expect((await endpoint.row(terminal)).condemned).to.equal(undefined);
    });

    it('refuses a message longer than 64 KiB in fragments, and one of very many fragments (F-56)', async () => {
      const long = await endpoint.connect();
      for (let i = 0; i < 5; i++) long.socket.send(new Uint8Array(16_384), { fin: i === 4 });
      expect(await long.closed()).to.equal(FRAME_TOO_BIG);
      const crumbs = await endpoint.connect();
      for (let i = 0; i < 65; i++) crumbs.socket.send(new Uint8Array(1), { fin: i === 64 });
      expect(await crumbs.closed()).to.equal(1008);
    });

    it('refuses one that comes byte by byte: each piece costs more than it carries (F-56, invariant 8)', async () => {
      const socket = await tls();
      socket.setNoDelay();
      socket.write(upgrade());
      await new Promise((resolve) => socket.once('data', resolve));
      socket.write(Uint8Array.of(0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0));
      expect(await pieces(socket, 1000)).to.be.below(1000);
    });

    it('takes a message in a few fragments', async () => {
      const terminal = await endpoint.enrolled();
      const client = await endpoint.connect();
      const { nonce, audience } = await client.expect('greeting');
      const signature = terminal.signHello({ nonce, audience, binding: client.binding, terminal: terminal.id });
      const bytes = encodeMessage({ type: 'hello', terminal: terminal.id, signature });
      client.socket.send(bytes.subarray(0, 20), { fin: false });
      client.socket.send(bytes.subarray(20), { fin: true });
      await client.challenge();
    });

    it('refuses a text frame, proven or not (F-57)', async () => {
      const terminal = await endpoint.enrolled();
      const stranger = await endpoint.connect();
      await stranger.expect('greeting');
      for (const client of [stranger, await endpoint.admitted(terminal)]) {
        client.socket.send('hello');
        expect(await client.refused()).to.deep.equal(['message.type', 1003]);
      }
    });

    it('refuses frames that break the framing (F-57)', async () => {
      const unmasked = [0x82, 0x01, 0x00];
      const reserved = [0xf2, 0x80, 0, 0, 0, 0];
      const unknown = [0x83, 0x80, 0, 0, 0, 0];
      for (const frame of [unmasked, reserved, unknown]) {
        const socket = await tls();
        socket.write(upgrade());
        socket.once('data', () => socket.write(Uint8Array.from(frame)));
        await ended(socket);
      }
      await until(() => endpoint.listener.connections.unauthenticated === 0);
    });

    it('refuses an upgrade with an Origin, on another path, or without the subprotocol (F-58)', async () => {
      const { url } = endpoint;
      expect(await refusal(url, SUBPROTOCOL, { origin: 'https://verifier.example' })).to.equal(403);
      expect(await refusal(url, SUBPROTOCOL, { origin: '' })).to.equal(403);
      for (const path of ['/attest/', '/', '/attest?x=1', '//attest', '/ATTEST']) {
        expect(await refusal(url.replace('/attest', path), SUBPROTOCOL), path).to.equal(404);
      }
      for (const protocols of [undefined, 'mtm-attest.v2', ['other', 'mtm-attest']]) {
        expect(await refusal(url, protocols)).to.equal(400);
      }
      expect(endpoint.listener.connections.unauthenticated).to.equal(0);
    });

    it('chooses the subprotocol among several (F-58)', async () => {
      const socket = new WebSocket(endpoint.url, ['mtm-attest.v2', SUBPROTOCOL], { ca: endpoint.ca });
      await new Promise((resolve) => socket.once('open', resolve));
      expect(socket.protocol).to.equal(SUBPROTOCOL);
      socket.terminate();
    });

    it('closes the socket of a refused upgrade, though the peer keeps it open (F-53, F-58)', async () => {
      const tcp = connectTcp({ host: '127.0.0.1', port: endpoint.port, allowHalfOpen: true });
      const socket = await tls({ socket: tcp });
      const answer = ended(socket);
      tcp.on('error', () => undefined);
      socket.write(upgrade(['Origin: https://verifier.example']));
      const more = setInterval(() => socket.write('more'), 5);
      expect(await answer).to.match(/^HTTP\/1\.1 403 Forbidden\r\n/);
      clearInterval(more);
    });

    it('outlives peers that reset the connection at any point', async () => {
      for (const text of ['', upgrade().slice(0, 40), upgrade([], '/other'), upgrade(), upgrade(['Origin: x'])]) {
        const tcp = connectTcp({ host: '127.0.0.1', port: endpoint.port });
        const socket = await tls({ socket: tcp });
        const gone = ended(socket);
        if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
        tcp.resetAndDestroy();
        await gone;
      }
      await until(() => endpoint.listener.connections.unauthenticated === 0);
      await (await endpoint.connect()).expect('greeting');
    });

    it('answers requests that are no upgrade with 426 and closes', async () => {
      const status = await new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port: endpoint.port, path: '/attest', ca: endpoint.ca }, (response) => {
          response.resume();
          resolve([response.statusCode, response.headers.connection]);
        }).on('error', reject);
      });
      expect(status).to.deep.equal([426, 'close']);
    });

    it('speaks TLS 1.3 and nothing older (F-60)', async () => {
      const socket = await tls();
      expect(socket.getProtocol()).to.equal('TLSv1.3');
      socket.destroy();
      let refused: unknown;
      try {
        await tls({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
      } catch (error) {
        refused = error;
      }
      expect(String(refused)).to.match(/protocol version|EPROTO|ECONNRESET/);
    });

    it('ties nothing to a TLS session that is resumed: each connection has its own exporter value (F-60)', async () => {
      const first = await tls();
      const session = await new Promise<Buffer>((resolve) => first.once('session', resolve));
      const resumed = await tls({ session });
      expect(resumed.isSessionReused()).to.equal(true);
      const certificate = new X509Certificate(endpoint.ca);
      const [one, other] = [first, resumed].map((socket) => channelBinding('tls-exporter', socket, certificate).value);
      expect(one?.length).to.equal(32);
      expect(one).to.not.deep.equal(other);
      first.destroy();
      resumed.destroy();
    });

    it('presents a new certificate from the moment it is given one', async () => {
      const before = await tls();
      const { chain, key } = await makeServerCertificate(['localhost', '127.0.0.1'], Date.now());
      endpoint.listener.replaceCertificate(chain, key);
      const after = await tls({ ca: chain });
      const [old, fresh] = [before, after].map((socket) => socket.getPeerCertificate().fingerprint256);
      expect(old).to.not.equal(fresh);
      before.destroy();
      after.destroy();
    });
  });

  describe('behind a load balancer', () => {
    it('binds to the certificate, says so in the greeting and in every result; the exporter does not do', async () => {
      endpoint = await TestEndpoint.start({ policy: { binding: 'tls-server-end-point' } });
      const terminal = await endpoint.enrolled();
      const value = nodeCrypto.sha256(new Uint8Array(new X509Certificate(endpoint.ca).raw));
      const binding = { type: 'tls-server-end-point', value } as const;

      const wrong = await endpoint.connect();
      const greeting = await wrong.expect('greeting');
      expect(greeting.binding).to.equal('tls-server-end-point');
      const exporter = terminal.signHello({ ...greeting, binding: wrong.binding, terminal: terminal.id });
      wrong.send({ type: 'hello', terminal: terminal.id, signature: exporter });
      expect((await wrong.refused())[0]).to.equal('session.unproven');

      const client = await endpoint.connect();
      const { nonce, audience } = await client.expect('greeting');
      const signature = terminal.signHello({ nonce, audience, binding, terminal: terminal.id });
      client.send({ type: 'hello', terminal: terminal.id, signature });
      const challenge = await client.challenge();
      client.sendAnswer(terminal.answer(challenge, binding), challenge);
      expect((await client.expect('result')).verdict).to.equal('trusted');
      const { body } = await endpoint.store.db.selectFrom('results').select('body').executeTakeFirstOrThrow();
      expect(Buffer.from(body).toString('latin1')).to.contain('tls-server-end-point');
    });
  });
});
