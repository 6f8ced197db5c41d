import { randomBytes } from 'node:crypto';
import { chmod, link, readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { AgentError } from '../../error.ts';
import { listenOutside } from './outside-socket.ts';
import { answers, codeOf, listening, socketPath } from './unix-socket.ts';

const NUMBERED = /^tre-(\d{1,9})\.sock$/;
const UNBORN = /^tre-[0-9a-f]{8}\.new$/;
const TRIES = 16;
const MAX_CONNECTIONS = 64;

/** Where the TrE of a state directory listens, if one ever did: a dead one refuses. @throws AgentError `tre.path` */
export async function findSocket(directory: string): Promise<string | undefined> {
  const highest = await highestNumber(directory);
  return highest === 0 ? undefined : pathOf(directory, `tre-${highest}.sock`);
}

/**
 * The one place on a state directory, and the socket that shows it. Sockets are numbered: the living listener with the highest number holds
 * the directory. A new one is linked in, already listening, under the next number, once the highest was found dead; so two cannot both
 * succeed. The highest is never removed, or numbers could come again. A killed process frees its place, since its socket then refuses.
 *
 * @throws AgentError `tre.running`, `tre.path`
 */
export async function claimState(directory: string): Promise<StateClaim> {
  const connections = new Connections();
  const server = connections.newServer();
  const unborn = pathOf(directory, `tre-${randomBytes(4).toString('hex')}.new`);
  await listening(server, unborn);
  try {
    await closed(unborn);
    const number = await linkedIn(directory, unborn);
    await removeLower(directory, number);
    return new StateClaim(server, connections);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    await rm(unborn, { force: true });
  }
}

/** A place that is taken until it is released or the process ends. */
export class StateClaim {
  readonly #servers: Server[];
  readonly #connections: Connections;

  constructor(server: Server, connections: Connections) {
    this.#servers = [server];
    this.#connections = connections;
  }

  /**
   * Those who connect at this path too are served, though they cannot enter the directory. The path says nothing of who holds it.
   * @throws AgentError `tre.socket`, `tre.path`, `tre.running`
   */
  async listenAt(path: string): Promise<void> {
    const server = this.#connections.newServer();
    this.#servers.push(server);
    await listenOutside(server, path);
  }

  /** Gives every connection to `take`: first those that have been waiting. */
  accept(take: (socket: Socket) => void): void {
    this.#connections.accept(take);
  }

  release(): void {
    for (const server of this.#servers) server.close();
    this.#connections.end();
  }
}

/** Those who came before anybody served wait; they are not read. */
class Connections {
  #take: ((socket: Socket) => void) | undefined;
  #waiting: Socket[] = [];

  /** A server whose connections these are; it does not listen yet. */
  newServer(): Server {
    const server = createServer({ pauseOnConnect: true });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      if (this.#take === undefined) this.#waiting.push(socket);
      else this.#take(socket);
    });
    return server;
  }

  accept(take: (socket: Socket) => void): void {
    this.#take = take;
    for (const socket of this.#waiting.splice(0)) take(socket);
  }

  end(): void {
    this.#take = (socket) => socket.destroy();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }
}

async function linkedIn(directory: string, unborn: string): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const highest = await highestNumber(directory);
    if (highest > 0 && (await answers(pathOf(directory, `tre-${highest}.sock`)))) {
      throw new AgentError('tre.running', directory);
    }
    if (!(await linked(unborn, pathOf(directory, `tre-${highest + 1}.sock`)))) continue;
    if ((await highestNumber(directory)) === highest + 1) return highest + 1;
    await rm(pathOf(directory, `tre-${highest + 1}.sock`), { force: true });
  }
  throw new AgentError('tre.running', directory);
}

/** Numbers below a living listener's are nobody's; so are listeners that were never linked in. */
async function removeLower(directory: string, number: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const found = NUMBERED.exec(name)?.[1];
    if (UNBORN.test(name) || (found !== undefined && Number(found) < number)) {
      await rm(join(directory, name), { force: true });
    }
  }
}

async function highestNumber(directory: string): Promise<number> {
  const names = await readdir(directory);
  return Math.max(0, ...names.map((name) => Number(NUMBERED.exec(name)?.[1] ?? 0)));
}

function pathOf(directory: string, name: string): string {
  return socketPath(join(directory, name));
}

/** @returns false where the name is taken, or the listener was swept away by one that has succeeded */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

/** A listener that was swept away before it was linked in finds that out there. */
async function closed(unborn: string): Promise<void> {
  try {
    await chmod(unborn, 0o600);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
