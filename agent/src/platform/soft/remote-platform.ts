import { connect, type Socket } from 'node:net';
import { type HelloContext, isMsgpackArray, type MsgpackValue } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import type { CounterName, PlatformIdentity, Quote, QuoteRequest, TrustedPlatform } from '../platform.ts';
import {
  bytesOf,
  counterOf,
  encodeFrame,
  encodeQuoteRequest,
  numberOf,
  oneOf,
  type Role,
  readAnswer,
  readFrames,
  type Verb,
} from './ipc.ts';
import { socketPath } from './process.ts';

const BUSY_MS = 10_000;
const U32 = 0xffffffff;

interface Waiting {
  readonly resolve: (answer: MsgpackValue) => void;
  readonly reject: (error: unknown) => void;
}

/** The TrE in a process of its own, as its client sees it. A TrE that died answers nothing more: `platform.unavailable`. */
export class RemotePlatform implements TrustedPlatform {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #dead = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    void this.#read();
  }

  /**
   * @param directory state directory of the TrE
   * @throws AgentError `platform.unavailable` where none runs, `platform.busy` where another agent holds it
   */
  static async connect(directory: string, role: Role, busyMs: number = BUSY_MS): Promise<RemotePlatform> {
    const platform = new RemotePlatform(await connected(socketPath(directory)));
    const deadline = setTimeout(() => {
      platform.#end(new AgentError('platform.busy'));
    }, busyMs);
    try {
      await platform.#ask('open', role);
    } finally {
      clearTimeout(deadline);
    }
    return platform;
  }

  async identity(): Promise<PlatformIdentity> {
    const [backEnd, protection, resetCount, restartCount, akPublic, akName, sessionKey] = items(
      await this.#ask('identity'),
    );
    return {
      backEnd: oneOf(['soft', 'tpm2'] as const, backEnd),
      protection: oneOf(['device-key', 'none', 'chip', 'memory'] as const, protection),
      boot: { resetCount: numberOf(resetCount, U32), restartCount: numberOf(restartCount, U32) },
      akPublic: bytesOf(akPublic, 1, 1024),
      akName: bytesOf(akName, 34, 34),
      sessionKey: bytesOf(sessionKey, 91, 91),
    };
  }

  async extend(pcr: number, digest: Uint8Array): Promise<void> {
    await this.#ask('extend', pcr, digest);
  }

  async readPcrs(): Promise<Uint8Array> {
    return bytesOf(await this.#ask('readPcrs'), 768, 768);
  }

  async quote(request: QuoteRequest): Promise<Quote> {
    const [attest, signature] = items(await this.#ask('quote', ...encodeQuoteRequest(request)));
    return { attest: bytesOf(attest, 1, 1024), signature: bytesOf(signature, 1, 1024) };
  }

  async signHello({ nonce, binding, audience, terminal }: HelloContext): Promise<Uint8Array> {
    return bytesOf(await this.#ask('signHello', nonce, binding.type, binding.value, audience, terminal), 64, 64);
  }

  async readCounter(name: CounterName): Promise<bigint> {
    return counterOf(await this.#ask('readCounter', name));
  }

  async incrementCounter(name: CounterName): Promise<bigint> {
    return counterOf(await this.#ask('incrementCounter', name));
  }

  async random(length: number): Promise<Uint8Array> {
    return bytesOf(await this.#ask('random', length), length, length);
  }

  /** Orderly power off of the TrE itself. */
  async powerOff(): Promise<void> {
    await this.#ask('powerOff');
  }

  /** The TrE goes on. */
  close(): Promise<void> {
    this.#end(new AgentError('platform.unavailable', 'closed'));
    return Promise.resolve();
  }

  #ask(verb: Verb, ...args: readonly MsgpackValue[]): Promise<MsgpackValue> {
    if (this.#dead) return Promise.reject(new AgentError('platform.unavailable'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(encodeFrame([verb, ...args]));
    });
  }

  async #read(): Promise<void> {
    try {
      for await (const value of readFrames(this.#socket)) {
        const waiting = this.#waiting.shift();
        try {
          waiting?.resolve(readAnswer(value));
        } catch (error) {
          waiting?.reject(error);
        }
      }
    } catch {
      // falls through: what cannot be read is as good as nobody there
    }
    this.#end(new AgentError('platform.unavailable'));
  }

  #end(error: AgentError): void {
    this.#dead = true;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function items(value: MsgpackValue): readonly MsgpackValue[] {
  if (isMsgpackArray(value)) return value;
  throw new AgentError('platform.unavailable', 'its answer cannot be read');
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      resolve(socket);
    });
    socket.once('error', (cause) => {
      reject(new AgentError('platform.unavailable', undefined, { cause }));
    });
  });
}
