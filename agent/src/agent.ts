import { randomBytes } from 'node:crypto';
import {
  type EnrolmentToken,
  type Message,
  ProtocolError,
  parseEnrolmentToken,
  provesEndorsementKey,
} from '@mtm-attest/protocol';
import { bootStart } from './boot/boot-start.ts';
import { type Booted, boot } from './boot/sequence.ts';
import { AgentError } from './error.ts';
import { type AgentLog, SILENT } from './log.ts';
import { EvidenceSource } from './measurement/evidence.ts';
import { NO_PLATFORM_LOGS, type PlatformLogs } from './measurement/platform-logs.ts';
import type { EndorsementKey, PlatformIdentity, TrustedPlatform } from './platform/platform.ts';
import { type BackOff, backOffDelay, DEFAULT_BACK_OFF } from './session/back-off.ts';
import type { Channel, Dial, DialOptions } from './session/channel.ts';
import { dial } from './session/dial.ts';
import { type Enrolment, readEnrolment, writeEnrolment } from './session/enrolment-file.ts';
import { Exchange } from './session/exchange.ts';
import { ResultsFile } from './session/results-file.ts';
import { findServerRoot } from './session/server-root.ts';
import type { DurableFiles } from './storage/durable-files.ts';
import { packageVersion } from './version.ts';

export interface AgentOptions {
  /** the trusted environment; the agent closes it when it stops */
  readonly platform: TrustedPlatform;
  /** the agent's own durable files: log, lists, enrolment, results */
  readonly files: DurableFiles;
  /** directory of the two slots */
  readonly slots: string;
  /** must be the one that the verifier is configured for */
  readonly binding?: DialOptions['binding'];
  readonly backOff?: BackOff;
  /** logs of firmware and kernel, where this machine has any; the boot begins where the firmware's ends */
  readonly platformLogs?: PlatformLogs;
  /** so many results received last are kept on disk; 1024 unless given */
  readonly resultsKept?: number;
  /** most events of a boot's log, 1,000,000 unless given; then every challenge is refused as `log.full` until the terminal reboots */
  readonly maxEvents?: number;
  readonly log?: AgentLog;
  /** told after a result has been filed */
  readonly onResult?: (result: Message<'result'>) => void;
  /** told when a connection was proven and challenged */
  readonly onConnected?: () => void;
  /** how connections are made; the terminal's own unless given */
  readonly dial?: Dial;
  /** the pinned root certificate at the first contact */
  readonly findRoot?: typeof findServerRoot;
  readonly random?: (length: number) => Uint8Array;
}

/** A terminal that has booted. */
export interface Agent {
  readonly identity: PlatformIdentity;
  /** number of the release that booted */
  readonly release: number;
  readonly enrolment: Enrolment | undefined;
  /**
   * Enrols with a token, once; the same token again is answered again and changes nothing.
   * @param token as the operator handed it out; a secret
   * @throws AgentError `session.*`, `tpm.*`; `token.class` where it is for a TPM and this is none; ProtocolError `enrolment.token-malformed`
   */
  enrol(token: string | Uint8Array): Promise<void>;
  /** Starts a component after boot: measured, logged and extended before this resolves, and audited from then on. */
  startComponent(name: string, path?: string): Promise<void>;
  /**
   * Connects, answers challenges, and connects again, until `stop`.
   * @throws AgentError `token.missing` where the terminal is not enrolled
   */
  run(): Promise<void>;
  /** Ends the connection and `run`. */
  disconnect(): Promise<void>;
  /** Disconnects and closes the platform. One in a process of its own goes on: this is no power loss. */
  stop(): Promise<void>;
}

const RESULTS_KEPT = 1024;

/**
 * Boots the terminal: every component of the release is measured, logged and extended. Nothing is sent before `enrol` or `run`.
 * @throws AgentError `slot.*`, `log.*`, `state.*`, `platform.log`
 */
export async function createAgent(options: AgentOptions): Promise<Agent> {
  const { platform, files, slots, maxEvents, platformLogs = NO_PLATFORM_LOGS } = options;
  const start = await bootStart(platformLogs);
  const booted = await boot({ platform, files, slots, version: `mtm-agent/${packageVersion()}`, maxEvents, start });
  return new RunningAgent(options, booted, await platform.identity(), await readEnrolment(files));
}

class RunningAgent implements Agent {
  readonly identity: PlatformIdentity;
  readonly release: number;
  readonly #options: AgentOptions;
  readonly #evidence: EvidenceSource;
  readonly #results: ResultsFile;
  readonly #log: AgentLog;
  #enrolment: Enrolment | undefined;
  #channel: Channel | undefined;
  #run: Promise<void> | undefined;
  readonly #stop = new AbortController();
  #wake: () => void = () => undefined;

  constructor(options: AgentOptions, booted: Booted, identity: PlatformIdentity, enrolment: Enrolment | undefined) {
    this.#options = options;
    this.identity = identity;
    this.release = booted.slot.release.release;
    this.#enrolment = enrolment;
    this.#evidence = new EvidenceSource(
      options.platform,
      options.files,
      booted,
      options.platformLogs ?? NO_PLATFORM_LOGS,
    );
    this.#results = new ResultsFile(options.files, options.resultsKept ?? RESULTS_KEPT);
    this.#log = options.log ?? SILENT;
  }

  get enrolment(): Enrolment | undefined {
    return this.#enrolment;
  }

  async enrol(text: string | Uint8Array): Promise<void> {
    const token = parseEnrolmentToken(text);
    // Before the first contact: a chip may need longer than a verifier waits.
    const ek = await this.#endorsementKeyFor(token);
    const { findRoot = findServerRoot } = this.#options;
    const root = await findRoot(token.url, token.rootDigest);
    const channel = await this.#dial(token.url, root);
    try {
      const enrolment = await this.#enrolOver(channel, token, root, ek);
      await writeEnrolment(this.#options.files, enrolment);
      this.#enrolment = enrolment;
    } finally {
      channel.close();
    }
  }

  startComponent(name: string, path?: string): Promise<void> {
    return this.#evidence.start(name, path);
  }

  run(): Promise<void> {
    const enrolment = this.#enrolment;
    if (enrolment === undefined) return Promise.reject(new AgentError('token.missing'));
    this.#run ??= this.#connectForever(enrolment);
    return this.#run;
  }

  async disconnect(): Promise<void> {
    this.#stop.abort();
    this.#channel?.close();
    this.#wake();
    await this.#run;
  }

  async stop(): Promise<void> {
    try {
      await this.disconnect();
    } finally {
      await this.#options.platform.close();
    }
  }

  #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  async #connectForever(enrolment: Enrolment): Promise<void> {
    let failures = 0;
    while (!this.#stopping()) {
      const proven = await this.#connectOnce(enrolment);
      failures = proven ? 0 : failures + 1;
      if (!this.#stopping()) await this.#wait(failures);
    }
  }

  /** @returns whether the verifier took the hello, and coming back soon is of use */
  async #connectOnce(enrolment: Enrolment): Promise<boolean> {
    const met = { proven: false };
    try {
      const channel = await this.#dial(enrolment.url, enrolment.root);
      this.#channel = channel;
      if (this.#stopping()) return false;
      await this.#exchange(channel, () => {
        if (!met.proven) this.#options.onConnected?.();
        met.proven = true;
      }).serve(enrolment);
      this.#log.info({ terminal: enrolment.terminal }, 'the connection ended');
    } catch (error) {
      if (!(error instanceof AgentError || error instanceof ProtocolError)) throw error;
      if (!isOfSession(error)) throw error;
      this.#log.warn(
        { terminal: enrolment.terminal, code: error.code, reason: error.message },
        'the connection failed',
      );
      if (isLasting(error)) return false;
    } finally {
      this.#channel?.close();
      this.#channel = undefined;
    }
    return met.proven;
  }

  /** The token says what must be proven; the key is shown to nobody else. */
  async #endorsementKeyFor(token: EnrolmentToken): Promise<EndorsementKey | undefined> {
    if (!provesEndorsementKey(token.class)) return undefined;
    const ek = await this.#options.platform.endorsementKey();
    if (ek === undefined) throw new AgentError('token.class', token.class);
    return ek;
  }

  async #enrolOver(
    channel: Channel,
    token: EnrolmentToken,
    root: string,
    ek: EndorsementKey | undefined,
  ): Promise<Enrolment> {
    const { terminal, url } = token;
    const audience = await this.#exchange(channel, () => undefined).enrol(token, ek);
    return { terminal, audience, url, root };
  }

  #exchange(channel: Channel, proven: () => void): Exchange {
    const { platform, onResult } = this.#options;
    return new Exchange(channel, {
      platform,
      identity: this.identity,
      evidence: this.#evidence,
      log: this.#log,
      proven,
      result: async (result) => {
        await this.#results.file(result);
        onResult?.(result);
      },
    });
  }

  #dial(url: string, root: string): Promise<Channel> {
    const { dial: connect = dial, binding = 'tls-exporter' } = this.#options;
    return connect({ url, root, binding });
  }

  async #wait(failures: number): Promise<void> {
    const { backOff = DEFAULT_BACK_OFF, random = randomBytes } = this.#options;
    const number = Buffer.from(random(4)).readUInt32BE(0);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, backOffDelay(backOff, failures, number));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A connection may fail in any way and is tried again; a terminal whose own state or platform fails is not. */
function isOfSession(error: AgentError | ProtocolError): boolean {
  return error instanceof ProtocolError || error.code.startsWith('session.') || isLasting(error);
}

/** What the next connection meets again, until the terminal reboots or the verifier asks for something else: it goes on, ever more slowly. */
function isLasting({ code }: AgentError | ProtocolError): boolean {
  return code === 'log.full' || code === 'platform.selection' || code === 'platform.unsettled';
}
