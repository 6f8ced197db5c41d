import { connect, type Socket } from 'node:net';
import type { HelloContext, MsgpackValue } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import type {
  CounterName,
  Credential,
  EndorsementKey,
  PlatformIdentity,
  Quote,
  QuoteRequest,
  TrustedPlatform,
} from '../platform.ts';
import { encodeFrame, type Fields, readAnswer, readFrames } from './ipc.ts';
import { findSocket } from './state-claim.ts';
import { type Arguments, OPEN, POWER_OFF, type Result, type Role, VERBS, type Verb } from './verbs.ts';

export interface RemoteOptions {
  readonly role: Role;
  /** how long an agent waits for the one before it, milliseconds */
  readonly busyMs?: number;
  /** how long a request may take, milliseconds: a TrE that does not answer any more is as good as dead */
  readonly answerMs?: number;
}

const BUSY_MS = 10_000;
const ANSWER_MS = 30_000;

interface Waiting {
  readonly resolve: (answer: Fields) => void;
  readonly reject: (error: unknown) => void;
}

/** The TrE in a process of its own, as its client sees it. A TrE that died answers nothing more: `platform.unavailable`. */
export class RemotePlatform implements TrustedPlatform {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<void>;
  #dead = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    this.#ended = this.#read();
  }

  /** @throws as `over`; AgentError `platform.unavailable` where no TrE runs on this state directory */
  static async connect(directory: string, options: RemoteOptions): Promise<RemotePlatform> {
    return RemotePlatform.over(await connected(() => findSocket(directory), directory), options);
  }

  /** @throws as `over`; AgentError `platform.unavailable` where no TrE listens at this path */
  static async connectAt(path: string, options: RemoteOptions): Promise<RemotePlatform> {
    return RemotePlatform.over(await connected(async () => path, path), options);
  }

  /** @throws AgentError `platform.busy` where another agent holds the TrE, `platform.unavailable` */
  static async over(
    socket: Socket,
    { role, busyMs = BUSY_MS, answerMs = ANSWER_MS }: RemoteOptions,
  ): Promise<RemotePlatform> {
    const platform = new RemotePlatform(socket);
    const deadline = setTimeout(() => {
      platform.#end(new AgentError('platform.busy'));
    }, busyMs);
    try {
      (await platform.#exchange(encodeFrame([OPEN, role]))).end();
    } finally {
      clearTimeout(deadline);
    }
    socket.setTimeout(answerMs, () => {
      if (platform.#waiting.length > 0) platform.#end(new AgentError('platform.unavailable', 'no answer'));
    });
    return platform;
  }

  /** Resolves once the TrE is gone, or `close` was called. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  identity(): Promise<PlatformIdentity> {
    return this.#ask('identity');
  }

  extend(pcr: number, digest: Uint8Array): Promise<void> {
    return this.#ask('extend', pcr, digest);
  }

  readPcrs(): Promise<Uint8Array> {
    return this.#ask('readPcrs');
  }

  quote(request: QuoteRequest): Promise<Quote> {
    return this.#ask('quote', request);
  }

  signHello(context: HelloContext): Promise<Uint8Array> {
    return this.#ask('signHello', context);
  }

  endorsementKey(): Promise<EndorsementKey | undefined> {
    return this.#ask('endorsementKey');
  }

  activateCredential(credential: Credential): Promise<Uint8Array> {
    return this.#ask('activateCredential', credential);
  }

  readCounter(name: CounterName): Promise<bigint> {
    return this.#ask('readCounter', name);
  }

  incrementCounter(name: CounterName): Promise<bigint> {
    return this.#ask('incrementCounter', name);
  }

  random(length: number): Promise<Uint8Array> {
    return this.#ask('random', length);
  }

  /** Orderly power off of the TrE itself; afterwards its directory is free. @throws AgentError `platform.refused` for an inspector, `platform.unavailable` */
  async powerOff(): Promise<void> {
    (await this.#exchange(encodeFrame([POWER_OFF]))).end();
    await this.#ended;
  }

  /** The TrE goes on. */
  close(): Promise<void> {
    this.#end(new AgentError('platform.unavailable', 'closed'));
    return this.#ended;
  }

  async #ask<V extends Verb>(verb: V, ...args: Arguments<V>): Promise<Result<V>> {
    const answer = await this.#exchange(encodeFrame([verb, ...requestOf(verb, args)]));
    const form: (typeof VERBS)[V] = VERBS[verb];
    const result = form.readAnswer(answer);
    answer.end();
    return result;
  }

  #exchange(frame: Uint8Array): Promise<Fields> {
    if (this.#dead) return Promise.reject(new AgentError('platform.unavailable'));
    return new Promise<Fields>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(frame);
    }).then(readAnswer);
  }

  /** Never rejects: what cannot be read is as good as nobody there. */
  async #read(): Promise<void> {
    try {
      for await (const answer of readFrames(this.#socket)) this.#waiting.shift()?.resolve(answer);
    } catch {
      // falls through
    }
    this.#end(new AgentError('platform.unavailable'));
  }

  #end(error: AgentError): void {
    this.#dead = true;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function requestOf<V extends Verb>(verb: V, args: Arguments<V>): readonly MsgpackValue[] {
  return VERBS[verb].writeRequest(...args);
}

async function connected(find: () => Promise<string | undefined>, place: string): Promise<Socket> {
  try {
    const path = await find();
    if (path === undefined) throw new AgentError('platform.unavailable', place);
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect(path, () => {
        socket.off('error', reject);
        resolve(socket);
      });
      socket.once('error', reject);
    });
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('platform.unavailable', place, { cause });
  }
}
