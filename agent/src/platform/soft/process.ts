import type { Socket } from 'node:net';
import { AgentError } from '../../error.ts';
import type { TrustedPlatform } from '../platform.ts';
import { encodeAnswer, encodeFailure, type Fields, readFrames } from './ipc.ts';
import type { StateClaim } from './state-claim.ts';
import { OPEN, POWER_OFF, ROLES, type Role, serveVerb, VERB_NAMES } from './verbs.ts';

/** A TrE that serves. */
export interface TreServer {
  /** Resolves once its agent asked it to power off, and was answered. */
  readonly poweredOff: Promise<void>;
  /** Takes no further request, finishes those in the making, and powers off in order. Connections end once the place is free. */
  close(): Promise<void>;
}

/**
 * Serves a platform on its claimed directory. One agent at a time: the requests of one that is gone are finished before its successor is
 * served, so none comes late. Inspectors are served between them: they change nothing.
 */
export function serveTre(claim: StateClaim, platform: TrustedPlatform): TreServer {
  const clients = new Map<Client, Promise<void>>();
  let turn: Promise<void> = Promise.resolve();
  let powerOff: () => void = () => undefined;
  const poweredOff = new Promise<void>((resolve) => {
    powerOff = resolve;
  });
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work);
    return turn;
  };
  claim.accept((socket) => {
    const client = new Client(socket, platform, powerOff);
    clients.set(
      client,
      client.serve(inTurn).finally(() => clients.delete(client)),
    );
  });
  return {
    poweredOff,
    close: async () => {
      claim.accept((socket) => socket.destroy());
      const left = [...clients.keys()];
      for (const client of left) client.stop();
      await Promise.all(clients.values());
      await platform.close();
      claim.release();
      for (const client of left) client.end();
    },
  };
}

/** Does a client's requests one after the other. What is wrong with one is its answer; bytes that are no frame end the connection. */
class Client {
  readonly #socket: Socket;
  readonly #platform: TrustedPlatform;
  readonly #powerOff: () => void;
  #stopped = false;
  #wake: () => void = () => undefined;
  #poweredOff = false;

  constructor(socket: Socket, platform: TrustedPlatform, powerOff: () => void) {
    this.#socket = socket;
    this.#platform = platform;
    this.#powerOff = powerOff;
  }

  /** No further request is taken; the one in the making is finished and answered. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  end(): void {
    this.#socket.destroy();
  }

  /** Never rejects. @param inTurn runs an agent's requests after those of the agent before it */
  async serve(inTurn: (work: () => Promise<void>) => Promise<void>): Promise<void> {
    const frames = readFrames(this.#socket);
    try {
      const first = await this.#next(frames);
      if (first === undefined) return;
      const role = readOpening(first);
      const work = (): Promise<void> => this.#serveAll(frames, role);
      await (role === 'agent' ? inTurn(work) : work());
    } catch {
      // Whoever does not speak the protocol is cut off; the platform is untouched.
      this.end();
    }
  }

  async #serveAll(frames: AsyncGenerator<Fields, void, undefined>, role: Role): Promise<void> {
    try {
      await this.#send(encodeAnswer([]));
      for (;;) {
        const frame = await this.#next(frames);
        if (frame === undefined) return;
        await this.#send(await this.#answer(frame, role));
        if (this.#poweredOff) {
          this.#powerOff();
          return;
        }
      }
    } catch {
      // A frame that cannot be read, or a socket that broke: the connection ends here.
      this.end();
    }
  }

  /** @returns undefined at the end of the connection, or where the TrE stops */
  #next(frames: AsyncGenerator<Fields, void, undefined>): Promise<Fields | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        resolve(undefined);
      };
      if (this.#stopped) this.#wake();
      else frames.next().then(({ value }) => resolve(value ?? undefined), reject);
    });
  }

  async #answer(request: Fields, role: Role): Promise<Uint8Array> {
    try {
      const verb = request.choice([...VERB_NAMES, POWER_OFF]);
      if (verb !== POWER_OFF) return encodeAnswer(await serveVerb(this.#platform, role, verb, request));
      if (role !== 'agent') throw new AgentError('platform.refused', verb);
      request.end();
      this.#poweredOff = true;
      return encodeAnswer([]);
    } catch (error) {
      return encodeFailure(error);
    }
  }

  /** Resolves once the bytes were handed on, or cannot be any more. */
  #send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => {
        resolve();
      });
    });
  }
}

/** @throws AgentError `platform.refused` */
function readOpening(frame: Fields): Role {
  frame.choice([OPEN]);
  const role = frame.choice(ROLES);
  frame.end();
  return role;
}
