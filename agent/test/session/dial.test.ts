import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SUBPROTOCOL } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { type WebSocket, WebSocketServer } from 'ws';
import type { DialOptions } from '../../src/session/channel.ts';
import { dial } from '../../src/session/dial.ts';
import { findServerRoot } from '../../src/session/server-root.ts';
import { expectRefusal } from '../refusal.ts';
import { type SelfSigned, selfSigned } from './self-signed.ts';

const ADDRESS = '127.0.0.1';

/** A server on the loopback whose sockets and server names the test sees. */
class Site {
  readonly certificate: SelfSigned;
  readonly server: Server;
  readonly sockets: TLSSocket[] = [];
  /** server names that clients told */
  readonly names: string[] = [];

  constructor(certificate: SelfSigned) {
    this.certificate = certificate;
    this.server = createServer({
      cert: certificate.cert,
      key: certificate.key,
      SNICallback: (name, done) => {
        this.names.push(name);
        done(null);
      },
    });
    this.server.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
    });
  }

  /** Answers upgrades as a verifier does. */
  upgrading(): Promise<WebSocket> {
    const endpoint = new WebSocketServer({ server: this.server, handleProtocols: () => SUBPROTOCOL });
    return new Promise((resolve) => {
      endpoint.on('connection', (socket) => {
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
  }

  async listen(): Promise<void> {
    this.server.listen(0, ADDRESS);
    await once(this.server, 'listening');
  }

  url(host = ADDRESS): string {
    return `wss://${host}:${(this.server.address() as AddressInfo).port}/attest`;
  }

  options(binding: DialOptions['binding'] = 'tls-exporter'): DialOptions {
    return { url: this.url(), root: this.certificate.cert, binding };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }
}

/** The answer of a WebSocket server, byte for byte. */
function switching(
  request: { readonly headers: NodeJS.Dict<string | string[]> },
  protocol: string = SUBPROTOCOL,
): string {
  const key = `${String(request.headers['sec-websocket-key'])}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
    '\r\n',
  ].join('\r\n');
}

describe('the connection to a verifier', () => {
  let site: Site;

  beforeEach(async () => {
    site = new Site(selfSigned([ADDRESS, 'localhost']));
    await site.listen();
  });

  afterEach(() => site.close());

  async function moveTo(other: Site): Promise<void> {
    await site.close();
    site = other;
    await site.listen();
  }

  it('binds both ends to one TLS session and carries messages, at an address too, which is no server name', async () => {
    const accepted = site.upgrading();
    const channel = await dial(site.options());
    const peer = await accepted;
    const [socket] = site.sockets;
    expect(channel.binding.value).to.deep.equal(
      new Uint8Array(socket?.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) ?? []),
    );
    expect(site.names).to.deep.equal([]);
    peer.send(Buffer.from([1, 2, 3]));
    expect(await channel.receive()).to.deep.equal(Uint8Array.of(1, 2, 3));
    channel.close();
  });

  it('is refused where the certificate is for another address, or under another root (F-55)', async () => {
    await expectRefusal(() => dial({ ...site.options(), root: selfSigned([ADDRESS]).cert }), 'session.root');
    await moveTo(new Site(selfSigned(['127.0.0.2', 'localhost'])));
    await expectRefusal(() => dial(site.options()), 'session.root');
    expect(site.sockets.every(({ bytesRead }) => bytesRead === 0)).to.equal(true);
  });

  it('is refused, and ended, where it cannot be bound: a key that the binding is not defined for, no TLS', async () => {
    await moveTo(new Site(selfSigned([ADDRESS], 'P-384')));
    const accepted = site.upgrading();
    await expectRefusal(() => dial(site.options('tls-server-end-point')), 'session.binding');
    const peer = await accepted;
    if (peer.readyState !== peer.CLOSED) await once(peer, 'close');
    const plain = createPlainServer();
    new WebSocketServer({ server: plain, handleProtocols: () => SUBPROTOCOL });
    plain.listen(0, ADDRESS);
    await once(plain, 'listening');
    const url = `ws://${ADDRESS}:${(plain.address() as AddressInfo).port}/`;
    await expectRefusal(() => dial({ ...site.options(), url }), 'session.binding');
    plain.close();
  });

  it('is refused where the socket is gone before it was bound', async () => {
    void site.upgrading();
    // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
    const { exportKeyingMaterial } = TLSSocket.prototype;
    TLSSocket.prototype.exportKeyingMaterial = function (this: TLSSocket, ...args) {
      this.destroy();
      return exportKeyingMaterial.apply(this, args);
    };
    try {
      await expectRefusal(() => dial(site.options()), 'session.closed');
    } finally {
      TLSSocket.prototype.exportKeyingMaterial = exportKeyingMaterial;
    }
  });

  for (const [what, answer] of [
    ['nothing', (socket: Socket): unknown => socket.destroy()],
    ['no upgrade', (socket: Socket): unknown => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')],
    ['no HTTP', (socket: Socket): unknown => socket.end(randomBytes(64))],
  ] as const) {
    it(`is refused by a server that answers ${what}`, async () => {
      site.server.on('upgrade', (_request, socket: Socket) => answer(socket));
      await expectRefusal(() => dial(site.options()), 'session.closed');
    });
  }

  it('is refused by a server of another subprotocol', async () => {
    site.server.on('upgrade', (request, socket: Socket) => socket.end(switching(request, 'mtm-attest.v2')));
    await expectRefusal(() => dial(site.options()), 'session.closed');
  });

  it('is refused where nobody listens, and for a URL or a root that is none', async () => {
    const { url, root, binding } = site.options();
    await expectRefusal(() => dial({ url: 'verifier', root, binding }), 'session.closed');
    await expectRefusal(() => dial({ url, root: 'none', binding }), 'session.closed', 'session.root');
    await site.close();
    await expectRefusal(() => dial({ url, root, binding }), 'session.closed');
  });

  for (const [what, frame] of [
    ['a close with half a code', '880103'],
    ['a close with a code that there is not', '880203e7'],
    ['a masked frame', '828100000000ff'],
    ['a frame of an unknown kind', '8300'],
    ['a frame longer than any message', '827f0000010000000000'],
    ['a text', '810161'],
    ['a text that is none', '8101ff'],
    ['the end in the middle of a frame', '8210ff'],
  ] as const) {
    it(`ends at ${what}, and nothing else does (F-56)`, async () => {
      site.server.on('upgrade', (request, socket: Socket) => {
        socket.end(Buffer.concat([Buffer.from(switching(request)), Buffer.from(frame, 'hex')]));
      });
      const channel = await dial(site.options());
      expect(await channel.receive()).to.equal(undefined);
      channel.send(Uint8Array.of(1));
      channel.pause();
      channel.close();
    });
  }
});

describe('the root that a verifier presents', () => {
  let site: Site;

  beforeEach(async () => {
    site = new Site(selfSigned([ADDRESS, 'localhost']));
    await site.listen();
  });

  afterEach(() => site.close());

  function pinned(): Uint8Array {
    return new Uint8Array(createHash('sha256').update(site.certificate.spki).digest());
  }

  it('is found by its digest; the server is told its name, and none where it is an address', async () => {
    for (const [host, told] of [
      [ADDRESS, []],
      ['localhost', ['localhost']],
    ] as const) {
      expect((await findServerRoot(site.url(host), pinned())).trim()).to.equal(site.certificate.cert.trim());
      expect(site.names, host).to.deep.equal(told);
    }
  });

  it('is refused where it is another, cannot be read, or nobody presents one', async () => {
    await expectRefusal(() => findServerRoot(site.url(), new Uint8Array(32)), 'session.root');
    // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
    const { getPeerCertificate } = TLSSocket.prototype;
    TLSSocket.prototype.getPeerCertificate = function (this: TLSSocket, ...args: [true]) {
      return { ...getPeerCertificate.apply(this, args), raw: Buffer.from('no certificate') };
    } as TLSSocket['getPeerCertificate'];
    try {
      await expectRefusal(() => findServerRoot(site.url(), pinned()), 'session.root');
    } finally {
      TLSSocket.prototype.getPeerCertificate = getPeerCertificate;
    }
    const url = site.url();
    await site.close();
    await expectRefusal(() => findServerRoot(url, pinned()), 'session.closed');
  });
});
