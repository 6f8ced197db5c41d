import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { SUBPROTOCOL } from '@mtm-attest/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { channelBinding } from './channel.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import type { EndpointServices } from './services.ts';

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
  const server = createServer({
    cert: options.certificateChain,
    key: options.key,
    minVersion: 'TLSv1.3',
    handshakeTimeout: options.handshakeDeadlineMs,
    headersTimeout: options.handshakeDeadlineMs,
    requestTimeout: options.handshakeDeadlineMs,
    maxHeaderSize: 8192,
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxPayload,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  let leaf = new X509Certificate(options.certificateChain);
  const connections = new Connections(options.maxUnauthenticated, services);
  server.on('request', (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    const refused = refusedUpgrade(request.url, request.headers, options.path);
    if (refused !== undefined) {
      socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\n\r\n`);
      return;
    }
    if (!(socket instanceof TLSSocket)) {
      socket.destroy();
      return;
    }
    const binding = channelBinding(services.policy.binding, socket, leaf);
    const remote = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
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
      server.closeAllConnections();
      await closed;
    },
  };
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
