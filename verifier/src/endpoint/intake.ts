import { CLOSES } from '@mtm-attest/protocol';
import type { WebSocket } from 'ws';
import { Refusal } from './refusal.ts';
import type { EndpointServices } from './services.ts';
import { TokenBucket } from './token-bucket.ts';

/** Frames that may wait while one is handled; more than this and the peer does not keep to one request in flight. */
const MAX_WAITING = 64;
/** Bytes of all messages before a hello has verified; a hello or an enrolment needs a tenth of it. */
const MAX_UNPROVEN_BYTES = 65536;
/** Parts this large are bounded by the limits on evidence, so they are not counted as messages. */
const LARGE_PART_BYTES = 8192;

/** For whom frames are taken in, and how far it is. */
export interface IntakeOwner {
  isClosed(): boolean;
  /** a hello has verified */
  isProven(): boolean;
  /** parts of evidence are due */
  isReceiving(): boolean;
  /** @param arrivedAt monotonic milliseconds */
  message(bytes: Uint8Array, arrivedAt: number): Promise<void>;
  /** at once, before what waits */
  refuse(refusal: Refusal): void;
  /** a task threw this */
  failed(error: unknown): void;
}

/** What comes in over one socket: bounded in number, rate and bytes (F-54), and handled one after the other. */
export class Intake {
  readonly #socket: WebSocket;
  readonly #owner: IntakeOwner;
  readonly #now: () => number;
  readonly #bucket: TokenBucket;
  #tasks: Promise<void> = Promise.resolve();
  #waiting = 0;
  #unprovenBytes = 0;
  #stopped = false;

  constructor(socket: WebSocket, { clock, policy }: EndpointServices, owner: IntakeOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#now = () => clock.monotonic();
    this.#bucket = new TokenBucket(policy.messageBurst, policy.messagesPerSecond, this.#now());
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#frame(data, isBinary);
    });
    socket.on('ping', (data: Buffer) => {
      this.#pinged(data);
    });
  }

  /** One thing at a time: whether the owner is closed is looked at when a task begins, not when it was queued. */
  enqueue(task: () => Promise<void>): void {
    this.#waiting += 1;
    if (this.#waiting === MAX_WAITING / 2) this.#socket.pause();
    this.#tasks = this.#tasks.then(async () => {
      try {
        if (!this.#owner.isClosed()) await task();
      } catch (error) {
        this.#owner.failed(error);
      } finally {
        this.#waiting -= 1;
        if (this.#waiting === 0 && this.#socket.isPaused) this.#socket.resume();
      }
    });
  }

  /** Takes no more messages. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once everything queued until now is done. */
  async idle(): Promise<void> {
    await this.#tasks;
  }

  #frame(data: Buffer, isBinary: boolean): void {
    if (this.#owner.isClosed() || this.#stopped) return;
    const arrivedAt = this.#now();
    if (!isBinary) {
      this.#owner.refuse(new Refusal('message.type', { close: CLOSES.unsupported.code }));
      return;
    }
    if (this.#waiting >= MAX_WAITING || this.#isTooMuch(data.length, arrivedAt)) {
      this.#owner.refuse(new Refusal('limit.rate'));
      return;
    }
    this.enqueue(() => this.#owner.message(new Uint8Array(data), arrivedAt));
  }

  #isTooMuch(length: number, now: number): boolean {
    if (!this.#owner.isProven()) {
      this.#unprovenBytes += length;
      if (this.#unprovenBytes > MAX_UNPROVEN_BYTES) return true;
    }
    if (this.#owner.isReceiving() && length >= LARGE_PART_BYTES) return false;
    return !this.#bucket.take(now);
  }

  /** Pings count like messages: a peer that sends them and reads nothing would fill the socket's buffer with pongs (F-54). */
  #pinged(data: Buffer): void {
    if (this.#owner.isClosed()) return;
    if (this.#bucket.take(this.#now())) this.#socket.pong(data);
    else this.#owner.refuse(new Refusal('limit.rate'));
  }
}
