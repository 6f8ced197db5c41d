import type { Config } from '../config/schema.ts';
import type { Log } from './log.ts';

/** A verifier that runs. */
export interface Daemon {
  /** `wss://host:port/path`, with the port that was taken */
  readonly listenUrl: string;
  /** `https://host:port` */
  readonly apiUrl: string;
  /** Reads certificates and signers anew, and which stored manifests these put in force; where one cannot be read all stays as it was. */
  reload?(): Promise<void>;
  /** Takes no new work, finishes what is recorded but unanswered, closes everything. */
  stop(): Promise<void>;
}

/** Puts the parts together and starts them; it resolves once terminals can connect. */
export type Assemble = (config: Config, log: Log) => Promise<Daemon>;
