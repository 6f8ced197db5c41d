import type { SeenSession } from '../store/liveness.ts';
import type { Connection, ConnectionOwner } from './connection.ts';
import type { EndpointServices } from './services.ts';

/** Every open connection of this process, and which of them is whose terminal's. */
export class Connections implements ConnectionOwner {
  readonly #services: EndpointServices;
  readonly #maxUnauthenticated: number;
  /** in order of arrival, so that the first is the oldest */
  readonly #unauthenticated = new Set<Connection>();
  readonly #proven = new Map<string, Connection>();
  /** terminals that answered a ping since they were last noted, and the sessions they did it in */
  readonly #seen = new Map<string, SeenSession>();
  #draining = false;

  constructor(maxUnauthenticated: number, services: EndpointServices) {
    this.#maxUnauthenticated = maxUnauthenticated;
    this.#services = services;
  }

  get unauthenticated(): number {
    return this.#unauthenticated.size;
  }

  get size(): number {
    return this.#proven.size;
  }

  /** A new connection displaces the oldest unproven one where there are too many (F-54). */
  add(connection: Connection): void {
    if (this.#draining) {
      void connection.drain();
      return;
    }
    const [oldest] = this.#unauthenticated;
    if (this.#unauthenticated.size >= this.#maxUnauthenticated) oldest?.displace();
    this.#unauthenticated.add(connection);
    connection.socket.on('pong', () => {
      const { session } = connection;
      if (session !== undefined && this.#proven.get(session.terminal) === connection) {
        this.#seen.set(session.terminal, session);
      }
    });
  }

  find(terminal: string): Connection | undefined {
    return this.#proven.get(terminal);
  }

  proven(connection: Connection, terminal: string): void {
    this.#unauthenticated.delete(connection);
    this.#proven.get(terminal)?.supersede();
    this.#proven.set(terminal, connection);
  }

  closed(connection: Connection): void {
    this.#unauthenticated.delete(connection);
    const { terminal } = connection;
    if (terminal !== undefined && this.#proven.get(terminal) === connection) this.#proven.delete(terminal);
  }

  /** Pings everybody; @returns who answered since the last time. */
  ping(): readonly SeenSession[] {
    const seen = [...this.#seen.values()];
    this.#seen.clear();
    for (const { socket } of this.#proven.values()) {
      if (socket.readyState === socket.OPEN) socket.ping();
    }
    return seen;
  }

  /** Resolves once every connection has been answered and is closed. */
  async drain(): Promise<void> {
    this.#draining = true;
    const open = [...this.#unauthenticated, ...this.#proven.values()];
    await Promise.all(open.map((connection) => connection.drain()));
    this.#services.log.info({ connections: open.length }, 'connections drained');
  }
}
