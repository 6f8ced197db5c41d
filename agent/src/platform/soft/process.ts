import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { MsgpackValue } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import type { TrustedPlatform } from '../platform.ts';
import {
  bytesOf,
  COUNTERS,
  encodeFailure,
  encodeFrame,
  INSPECTOR_VERBS,
  numberOf,
  oneOf,
  type Request,
  ROLES,
  type Role,
  readFrames,
  readQuoteRequest,
  readRequest,
  textOf,
} from './ipc.ts';

const SOCKET = 'tre.sock';
/** sun_path, without its terminating zero. */
const MAX_SOCKET_PATH = 107;
const MAX_RANDOM = 1024;

/** Where the TrE of this state directory listens. @throws AgentError `tre.path` */
export function socketPath(directory: string): string {
  const path = join(directory, SOCKET);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) throw new AgentError('tre.path', path);
  return path;
}

/** A TrE that serves. */
export interface TreServer {
  /** Resolves once a client asked it to power off. */
  readonly poweredOff: Promise<void>;
  /** Whether the socket in the directory is still this one: another TrE that took its place ends this one. */
  holds(): Promise<boolean>;
  /** Orderly power off. */
  close(): Promise<void>;
}

/**
 * Takes the one place on this state directory; nothing is served before `serve`.
 * @throws AgentError `tre.running`, `tre.path`
 */
export async function claimState(directory: string): Promise<TreClaim> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const path = socketPath(directory);
  const server = createServer({ pauseOnConnect: true });
  try {
    await listening(server, path);
  } catch (error) {
    if (!isInUse(error)) throw error;
    if (await answers(path)) throw new AgentError('tre.running', directory);
    await unlink(path).catch(() => undefined);
    await listening(server, path);
  }
  await chmod(path, 0o600);
  const { ino } = await lstat(path);
  return new TreClaim(server, path, ino);
}

/** A place that is taken, until the process ends. */
export class TreClaim {
  readonly #server: Server;
  readonly #path: string;
  readonly #inode: number;

  constructor(server: Server, path: string, inode: number) {
    this.#server = server;
    this.#path = path;
    this.#inode = inode;
  }

  async holds(): Promise<boolean> {
    try {
      return (await lstat(this.#path)).ino === this.#inode;
    } catch {
      return false;
    }
  }

  async release(): Promise<void> {
    this.#server.close();
    if (await this.holds()) await unlink(this.#path);
  }

  /** Serves a platform: one agent at a time, whose successor waits until its last request has been finished. */
  serve(platform: TrustedPlatform): TreServer {
    const clients = new Set<Socket>();
    let agents: Promise<void> = Promise.resolve();
    let powerOff: () => void = () => undefined;
    const poweredOff = new Promise<void>((resolve) => {
      powerOff = resolve;
    });
    this.#server.on('connection', (socket) => {
      clients.add(socket);
      socket.on('error', () => undefined);
      const client = new Client(socket, platform, powerOff);
      void client
        .run((work) => {
          agents = agents.then(work);
          return agents;
        })
        .finally(() => {
          clients.delete(socket);
          socket.destroy();
        });
    });
    return {
      poweredOff,
      holds: () => this.holds(),
      close: async () => {
        for (const socket of clients) socket.destroy();
        await agents;
        await platform.close();
        await this.release();
      },
    };
  }
}

/** Its requests one after the other; what is wrong with one is its answer, bytes that are no request end the connection. */
class Client {
  readonly #socket: Socket;
  readonly #platform: TrustedPlatform;
  readonly #powerOff: () => void;

  constructor(socket: Socket, platform: TrustedPlatform, powerOff: () => void) {
    this.#socket = socket;
    this.#platform = platform;
    this.#powerOff = powerOff;
  }

  /** @param inTurn runs an agent's requests after those of the agent before it */
  async run(inTurn: (work: () => Promise<void>) => Promise<void>): Promise<void> {
    const frames = readFrames(this.#socket);
    try {
      const first = await frames.next();
      if (first.done === true) return;
      const { verb, args } = readRequest(first.value);
      const role = oneOf(ROLES, args[0]);
      if (verb !== 'open') return;
      const serve = async (): Promise<void> => {
        this.#answer([0, true]);
        for await (const frame of frames) await this.#handle(readRequest(frame), role);
      };
      await (role === 'agent' ? inTurn(() => serve().catch(() => undefined)) : serve());
    } catch {
      // Whoever does not speak the protocol is cut off; the platform is untouched.
    }
  }

  async #handle(request: Request, role: Role): Promise<void> {
    try {
      this.#answer([0, await this.#do(request, role)]);
    } catch (error) {
      this.#answer(encodeFailure(error));
    }
  }

  #answer(value: MsgpackValue): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(value));
  }

  async #do({ verb, args }: Request, role: Role): Promise<MsgpackValue> {
    const platform = this.#platform;
    if (role === 'inspector' && !INSPECTOR_VERBS.has(verb)) throw new AgentError('platform.refused', verb);
    switch (verb) {
      case 'identity': {
        const { backEnd, protection, boot, akPublic, akName, sessionKey } = await platform.identity();
        return [backEnd, protection, boot.resetCount, boot.restartCount, akPublic, akName, sessionKey];
      }
      case 'extend':
        await platform.extend(numberOf(args[0], 23), bytesOf(args[1], 32, 32));
        return true;
      case 'readPcrs':
        return platform.readPcrs();
      case 'quote': {
        const request = readQuoteRequest(args);
        if (role === 'inspector' && request.purpose !== 'inspect') throw new AgentError('platform.refused', verb);
        const { attest, signature } = await platform.quote(request);
        return [attest, signature];
      }
      case 'signHello': {
        const [nonce, type, value, audience, terminal] = args;
        return platform.signHello({
          nonce: bytesOf(nonce, 32, 32),
          binding: {
            type: oneOf(['tls-exporter', 'tls-server-end-point'] as const, type),
            value: bytesOf(value, 32, 32),
          },
          audience: textOf(audience),
          terminal: textOf(terminal),
        });
      }
      case 'readCounter':
        return platform.readCounter(oneOf(COUNTERS, args[0]));
      case 'incrementCounter':
        return platform.incrementCounter(oneOf(COUNTERS, args[0]));
      case 'random':
        return platform.random(numberOf(args[0], MAX_RANDOM));
      case 'powerOff':
        this.#powerOff();
        return true;
      case 'open':
        throw new AgentError('platform.refused', verb);
    }
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** Whether somebody accepts there; a socket that a killed process left behind refuses. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}
