import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

const HEADER_BYTES = 5;

export type Direction = 'to-verifier' | 'to-terminal';

/** Called before a whole TLS record is forwarded; `number` counts those of its connection and direction from 1. */
export type RecordWatcher = (direction: Direction, number: number) => void;

/**
 * Stands between terminals and verifier, outside both processes, and sees TLS records, one of which carries one frame. Its own address stays the
 * same while the verifier behind it is killed and comes back elsewhere.
 */
export class RecordProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  upstreamPort = 0;
  watch: RecordWatcher = () => undefined;

  private constructor() {
    this.#server = createServer((terminal) => {
      this.#forward(terminal);
    });
  }

  static async start(): Promise<RecordProxy> {
    const proxy = new RecordProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection: terminals connect anew. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(terminal: Socket): void {
    const verifier = connect(this.upstreamPort, '127.0.0.1');
    for (const socket of [terminal, verifier]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        terminal.destroy();
        verifier.destroy();
      });
    }
    this.#records(terminal, verifier, 'to-verifier');
    this.#records(verifier, terminal, 'to-terminal');
  }

  #records(from: Socket, to: Socket, direction: Direction): void {
    let held = Buffer.alloc(0);
    let number = 0;
    from.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= HEADER_BYTES) {
        const length = HEADER_BYTES + held.readUInt16BE(3);
        if (held.length < length) return;
        number += 1;
        this.watch(direction, number);
        to.write(held.subarray(0, length));
        held = held.subarray(length);
      }
    });
  }
}
