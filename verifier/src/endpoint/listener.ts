import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type ChannelBinding, SUBPROTOCOL } from '@mtm-attest/protocol';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { channelBinding } from './channel.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { Handshakes, peerOf } from './handshakes.ts';
import { CLOSE_DEADLINE_MS } from './refusal.ts';
import type { EndpointServices } from './services.ts';

/** Handshakes under way for each connection that may be unproven: a crowd of honest terminals spends most of its time there. */
const HANDSHAKES_EACH = 4;
/** Frames of one message, and pieces in which they may come: a message in crumbs would cost many times its size (F-56). */
const MAX_FRAGMENTS = 64;
const MAX_CHUNKS = 256;

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free one */
  readonly port: number;
  readonly path: string;
  /** PEM, leaf first, root last */
  readonly certificateChain: string;
  /** PEM */
  readonly key: string;
  readonly maxPayload: number;
  readonly maxUnauthenticated: number;
  /** for the upgrade's HTTP headers and the TLS handshake */
  readonly handshakeDeadlineMs: number;
}

export interface Listener {
  readonly address: AddressInfo;
  readonly connections: Connections;
  /** New connections get this certificate from now on. */
  replaceCertificate(chain: string, key: string): void;
  /** Stops accepting, answers what is in hand, closes every connection with 1001. */
  close(): Promise<void>;
}

/** The terminals' endpoint: TLS 1.3, one path, one subprotocol, no compression, binary frames of bounded size (F-53 to F-60). */
export async function listen(options: ListenerOptions, services: EndpointServices): Promise<Listener> {
  const server = tlsServer(options);
  const sockets = new WebSocketServer(webSocketOptions(options.maxPayload));
  let leaf = new X509Certificate(options.certificateChain);
  const connections = new Connections(options.maxUnauthenticated, services);
  const handshakes = new Handshakes(HANDSHAKES_EACH * options.maxUnauthenticated);
  server.on('connection', (socket: Socket) => {
    handshakes.begin(socket);
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    const refused = refusedUpgrade(request.url, request.headers, options.path);
    if (refused !== undefined) {
      socket.once('finish', () => socket.destroy());
      socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\n\r\n`);
      return;
    }
    const binding = socket instanceof TLSSocket ? bindingOf(socket, leaf, services) : undefined;
    if (!(socket instanceof TLSSocket) || binding === undefined) {
      socket.destroy();
      return;
    }
    handshakes.end(socket);
    const remote = peerOf(socket);
    sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      connections.add(new Connection(webSocket, binding, remote, services, connections));
    });
  });
  server.on('tlsClientError', (error) => {
    services.log.info({ reason: error.message }, 'TLS handshake failed');
  });
  await started(server, options);
  return {
    address: server.address() as AddressInfo,
    connections,
    replaceCertificate: (chain, key) => {
      server.setSecureContext({ cert: chain, key, minVersion: 'TLSv1.3' });
      leaf = new X509Certificate(chain);
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      await connections.drain();
      handshakes.abandon();
      server.closeAllConnections();
      await closed;
    },
  };
}

function tlsServer({ certificateChain, key, handshakeDeadlineMs }: ListenerOptions): Server {
  const server = createServer({
    cert: certificateChain,
    key,
    minVersion: 'TLSv1.3',
    handshakeTimeout: handshakeDeadlineMs,
    headersTimeout: handshakeDeadlineMs,
    requestTimeout: handshakeDeadlineMs,
    connectionsCheckingInterval: handshakeDeadlineMs / 2,
    maxHeaderSize: 8192,
  });
  server.on('request', (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
  });
  return server;
}

/** `closeTimeout` is newer than the type. */
function webSocketOptions(maxPayload: number): ServerOptions & { readonly closeTimeout: number } {
  return {
    noServer: true,
    maxPayload,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
    perMessageDeflate: false,
    autoPong: false,
    clientTracking: false,
    closeTimeout: CLOSE_DEADLINE_MS,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  };
}

/** A socket that fails at this moment has no exporter; that must not end the daemon. */
function bindingOf(
  socket: TLSSocket,
  leaf: X509Certificate,
  { policy, log }: EndpointServices,
): ChannelBinding | undefined {
  try {
    return channelBinding(policy.binding, socket, leaf);
  } catch (error) {
    log.warn({ reason: String(error) }, 'no channel binding');
    return undefined;
  }
}

/** A browser names its origin, a terminal does not: whatever sends one is refused (F-58). */
function refusedUpgrade(
  url: string | undefined,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  path: string,
): string | undefined {
  if (url !== path) return '404 Not Found';
  if (headers['origin'] !== undefined) return '403 Forbidden';
  const offered = String(headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim());
  return offered.includes(SUBPROTOCOL) ? undefined : '400 Bad Request';
}

function started(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
