import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { AgentError } from '../../error.ts';

interface Waiting {
  readonly length: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: AgentError) => void;
}

/** A stream socket read in pieces of known length. Any failure is its end. */
export class ByteChannel {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #failure: AgentError | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
    socket.on('error', (cause) => this.fail(new AgentError('tpm.unreachable', cause.message, { cause })));
    socket.on('close', () => this.fail(new AgentError('tpm.unreachable', 'the connection ended')));
  }

  /** @throws AgentError `tpm.unreachable`, `tpm.timeout` */
  static connect(to: NetConnectOpts, timeoutMs: number): Promise<ByteChannel> {
    return new Promise((resolve, reject) => {
      const socket = connect(to);
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new AgentError('tpm.timeout', 'connecting'));
      }, timeoutMs);
      socket.once('error', (cause) => {
        clearTimeout(timer);
        reject(new AgentError('tpm.unreachable', cause.message, { cause }));
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.setNoDelay(true);
        resolve(new ByteChannel(socket));
      });
    });
  }

  /**
   * Writes, then has `read` take the answer, within one time limit. Bytes that nobody asked for are the end too: the next answer would be taken
   * for another's.
   * @throws AgentError `tpm.timeout`, `tpm.unreachable`, `tpm.response`, and what `read` throws
   */
  async exchange<T>(bytes: Uint8Array, timeoutMs: number, read: () => Promise<T>): Promise<T> {
    this.#demandSilence();
    const timer = setTimeout(() => this.fail(new AgentError('tpm.timeout')), timeoutMs);
    try {
      this.#socket.write(bytes);
      const answer = await read();
      this.#demandSilence();
      return answer;
    } catch (error) {
      this.fail(error instanceof AgentError ? error : new AgentError('tpm.response', undefined, { cause: error }));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Exactly so many bytes; one reader at a time. @throws AgentError */
  take(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting = { length, resolve, reject };
      this.#deliver();
    });
  }

  close(): void {
    this.fail(new AgentError('tpm.unreachable', 'closed'));
  }

  fail(error: AgentError): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#deliver();
  }

  #demandSilence(): void {
    if (this.#received.length > 0) this.fail(new AgentError('tpm.response', 'more bytes than the response has'));
    if (this.#failure !== undefined) throw this.#failure;
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#received.length >= waiting.length) {
      this.#waiting = undefined;
      const bytes = new Uint8Array(this.#received.subarray(0, waiting.length));
      this.#received = this.#received.subarray(waiting.length);
      waiting.resolve(bytes);
    } else if (this.#failure !== undefined) {
      this.#waiting = undefined;
      waiting.reject(this.#failure);
    }
  }
}
