import { createHash } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { type ChannelBinding, MAX_MESSAGE_BYTES, SUBPROTOCOL } from '@mtm-attest/protocol';
import { WebSocket } from 'ws';
import { AgentError } from '../error.ts';
import type { Channel, DialOptions } from './channel.ts';

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding';
const EXPORTER_BYTES = 32;
const NO_CONTEXT = Buffer.alloc(0);
const HANDSHAKE_MS = 10_000;
/** Messages that may wait to be read; a verifier that keeps to the protocol never sends so many at once. */
const MAX_WAITING = 64;
/** Time for the other end's half of the closing handshake; a terminal that stops does not wait for a verifier that is gone. */
const CLOSE_MS = 1000;
/** So often the terminal looks whether the other end is still there. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A wss connection: TLS 1.3 under the pinned root, host name checked, no compression, binary messages of bounded size (F-55, F-56, F-60).
 * Whatever the other end or the socket does, it ends as a refusal here: a throw inside a handler would end the process.
 *
 * @throws AgentError `session.root`, `session.binding`, `session.closed`
 */
export async function dial(options: DialOptions): Promise<Channel> {
  try {
    return await connected(options);
  } catch (cause) {
    throw refusalOf(cause);
  }
}

function connected({ url, root, binding: type }: DialOptions): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, SUBPROTOCOL, {
      ca: root,
      minVersion: 'TLSv1.3',
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: HANDSHAKE_MS,
    });
    let channel: WebSocketChannel | undefined;
    socket.on('upgrade', ({ socket: tls }) => {
      try {
        channel = new WebSocketChannel(socket, bindingOf(type, tls));
      } catch (cause) {
        reject(refusalOf(cause));
        socket.terminate();
      }
    });
    socket.on('open', () => {
      if (channel !== undefined) resolve(channel);
    });
    socket.on('error', reject);
    // A socket that was gone already when the handshake failed gives no error.
    socket.on('close', () => reject(new AgentError('session.closed')));
  });
}

function refusalOf(cause: unknown): AgentError {
  if (cause instanceof AgentError) return cause;
  const { code, message }: NodeJS.ErrnoException = cause instanceof Error ? cause : new Error(String(cause));
  return new AgentError(isCertificateFault(code) ? 'session.root' : 'session.closed', message, { cause });
}

/** What OpenSSL says of a chain that does not end in the pinned root, or is for another host. */
function isCertificateFault(code: string | undefined): boolean {
  return code !== undefined && /CERT|ALTNAME|ISSUER/.test(code);
}

/** RFC 9266, or RFC 5929 section 4 with SHA-256; computed once, while the socket is sure to be there. */
function bindingOf(type: DialOptions['binding'], socket: unknown): ChannelBinding {
  if (!(socket instanceof TLSSocket)) throw new AgentError('session.binding');
  if (type === 'tls-exporter') {
    return { type, value: new Uint8Array(socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, NO_CONTEXT)) };
  }
  const certificate = socket.getPeerX509Certificate();
  const { asymmetricKeyDetails } = certificate?.publicKey ?? {};
  if (certificate === undefined || asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new AgentError('session.binding');
  }
  return { type, value: new Uint8Array(createHash('sha256').update(certificate.raw).digest()) };
}

class WebSocketChannel implements Channel {
  readonly binding: ChannelBinding;
  readonly #socket: WebSocket;
  readonly #keepAlive: NodeJS.Timeout;
  readonly #arrived: Uint8Array[] = [];
  #waiting: ((message: Uint8Array | undefined) => void) | undefined;
  #alive = true;
  #closed = false;

  constructor(socket: WebSocket, binding: ChannelBinding) {
    this.#socket = socket;
    this.binding = binding;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#message(data, isBinary);
    });
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('close', () => {
      this.#end();
    });
    this.#keepAlive = setInterval(() => {
      this.#look();
    }, KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  send(message: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  async receive(withinMs?: number): Promise<Uint8Array | undefined> {
    const next = this.#arrived.shift();
    if (next !== undefined || this.#closed) return next;
    const arrival = new Promise<Uint8Array | undefined>((resolve) => {
      this.#waiting = resolve;
    });
    if (withinMs === undefined) return arrival;
    const expiry = new AbortController();
    const deadline = setTimeout(() => {
      expiry.abort();
      this.close();
    }, withinMs);
    const message = await arrival;
    clearTimeout(deadline);
    if (expiry.signal.aborted) throw new AgentError('session.timeout');
    return message;
  }

  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.close();
    const cut = setTimeout(() => {
      this.#socket.terminate();
    }, CLOSE_MS);
    cut.unref();
    this.#end();
  }

  /** Copied: the socket's buffers are pooled (F-48). */
  #message(data: Buffer, isBinary: boolean): void {
    if (!isBinary || this.#arrived.length >= MAX_WAITING) {
      this.close();
      return;
    }
    const message = new Uint8Array(data);
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#arrived.push(message);
      return;
    }
    this.#waiting = undefined;
    waiting(message);
  }

  #look(): void {
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #end(): void {
    this.#closed = true;
    clearInterval(this.#keepAlive);
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }
}
