import type { Socket } from 'node:net';

/** Sockets that are not WebSockets yet, in order of arrival: they cost memory before anything is known of them (F-53, F-54). */
export class Handshakes {
  readonly #most: number;
  readonly #sockets = new Map<string, Socket>();

  /** @param most a new socket displaces the oldest where there are as many */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** A TCP connection was accepted. */
  begin(socket: Socket): void {
    const peer = peerOf(socket);
    const [oldest] = this.#sockets;
    if (this.#sockets.size >= this.#most && oldest !== undefined) {
      this.#sockets.delete(oldest[0]);
      oldest[1].destroy();
    }
    this.#sockets.set(peer, socket);
    socket.once('close', () => {
      if (this.#sockets.get(peer) === socket) this.#sockets.delete(peer);
    });
  }

  /** Cuts off whoever is still here. */
  abandon(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  /** Its upgrade came; from now on the connection itself is counted. @param socket the TCP socket or the TLS socket over it */
  end(socket: Socket): void {
    this.#sockets.delete(peerOf(socket));
  }
}

/** TCP and TLS socket of one connection have the same peer. */
export function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''}:${remotePort ?? 0}`;
}
