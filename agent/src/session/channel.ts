import type { ChannelBinding } from '@mtm-attest/protocol';

/** One connection to the verifier: whole messages in order, tied to its TLS session. */
export interface Channel {
  /** this end's value, computed from its own socket */
  readonly binding: ChannelBinding;
  /** Does nothing once the channel is closed. */
  send(message: Uint8Array): void;
  /**
   * The next message, or undefined once the channel is closed.
   * @throws AgentError `session.timeout` where none comes in time; the channel is closed then
   */
  receive(withinMs?: number): Promise<Uint8Array | undefined>;
  /** Reads nothing more: not even a ping is answered. */
  pause(): void;
  close(): void;
}

/** Where a channel leads, and what the other end must show. */
export interface DialOptions {
  /** `wss://host:port/path` */
  readonly url: string;
  /** PEM of the one root that the verifier's certificate must be under */
  readonly root: string;
  readonly binding: Exclude<ChannelBinding['type'], 'none'>;
}

/** @throws AgentError `session.root`, `session.closed`, `session.timeout` */
export type Dial = (options: DialOptions) => Promise<Channel>;
