import { randomBytes } from 'node:crypto';
import type { TerminalClass } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import type { ClientOptions } from 'ws';
import type { ModelReference } from '../../src/appraisal/input.ts';
import { makeServerCertificate, type ServerCertificate } from '../../src/cli/server-certificate.ts';
import { ComponentLists } from '../../src/endpoint/component-lists.ts';
import { type Listener, type ListenerOptions, listen } from '../../src/endpoint/listener.ts';
import type { EndpointPolicy, EndpointServices, EndpointStore } from '../../src/endpoint/services.ts';
import type { TerminalRecord } from '../../src/endpoint/terminal-record.ts';
import { verdictOf } from '../../src/liveness/verdict.ts';
import { listAlarms } from '../../src/store/alarms.ts';
import { endpointStore } from '../../src/store/endpoint-store.ts';
import { consumeToken } from '../../src/store/enrolments.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { type Decision, history } from '../../src/store/results.ts';
import { addToken } from '../../src/store/tokens.ts';
import { SELECTION } from '../appraisal/appraisal.ts';
import { MODEL, referenceOf } from '../appraisal/firmware.ts';
import { AUDIENCE, TestTerminal } from '../appraisal/terminal.ts';
import { DAY_MS, OPERATOR, stored, type TemporaryStore, temporaryStore } from '../store/fixture.ts';
import { TerminalClient } from './terminal-client.ts';

const PATH = '/attest';
const HOUR_MS = 3_600_000;
const LIVENESS = { graceMs: HOUR_MS, freshnessMs: HOUR_MS };

let certificate: Promise<ServerCertificate> | undefined;

/** One for all tests of a run. */
function serverCertificate(): Promise<ServerCertificate> {
  certificate ??= makeServerCertificate(['localhost', '127.0.0.1'], Date.now());
  return certificate;
}

/** A call of the store that waits until the test lets it go on. */
export interface Held {
  /** resolves once the call was made */
  readonly arrived: Promise<void>;
  release(): void;
}

export interface EndpointSettings {
  readonly policy?: Partial<EndpointPolicy>;
  readonly listener?: Partial<ListenerOptions>;
}

/** The terminals' endpoint over a store of its own, on a free port, with clock, Reference Values and delays in the hands of a test. */
export class TestEndpoint {
  readonly store: TemporaryStore;
  readonly lists = new ComponentLists(10_000);
  readonly errors: unknown[] = [];
  readonly refusals: string[] = [];
  /** added to the monotonic clock, milliseconds */
  later = 0;
  reference: ModelReference | undefined = referenceOf();
  readonly #group: GroupCommit;
  readonly #held = new Map<keyof EndpointStore, { call: () => void; released: Promise<void> }>();
  #listener: Listener | undefined;
  #ca = '';
  #tokens = 0;

  private constructor(store: TemporaryStore) {
    this.store = store;
    this.#group = new GroupCommit(store.db, OPERATOR);
  }

  static async start({ policy = {}, listener = {} }: EndpointSettings = {}): Promise<TestEndpoint> {
    const { chain, key } = await serverCertificate();
    const endpoint = new TestEndpoint(await temporaryStore());
    endpoint.#ca = chain;
    endpoint.#listener = await listen(
      {
        host: '127.0.0.1',
        port: 0,
        path: PATH,
        certificateChain: chain,
        key,
        maxPayload: 65_536,
        maxUnauthenticated: 256,
        handshakeDeadlineMs: 5000,
        ...listener,
      },
      endpoint.#services(policy),
    );
    return endpoint;
  }

  get listener(): Listener {
    return this.#listener ?? expect.fail('not started');
  }

  get port(): number {
    return this.listener.address.port;
  }

  get ca(): string {
    return this.#ca;
  }

  get url(): string {
    return `wss://127.0.0.1:${this.port}${PATH}`;
  }

  connect(options?: ClientOptions): Promise<TerminalClient> {
    return TerminalClient.connect(this.url, this.#ca, options);
  }

  /** A terminal with an enrolment, booted. */
  async enrolled(id = 't-1', keys = id): Promise<TestTerminal> {
    const terminal = new TestTerminal(id, keys).bootRelease();
    await this.enrol(terminal);
    return terminal;
  }

  /** Enrols the keys of a terminal, without a connection. */
  async enrol(terminal: TestTerminal): Promise<void> {
    const secretHash = new Uint8Array(32).fill(++this.#tokens);
    const outcome = await this.#group.change(terminal.id, async (tx) => {
      const now = Date.now();
      const token = { secretHash, terminal: terminal.id, class: 'simulated', model: MODEL } as const;
      await addToken(tx, OPERATOR, { ...token, createdAt: now, expiresAt: now + DAY_MS });
      const { ak, akName, qualifiedName, session } = terminal;
      return await consumeToken(
        tx,
        OPERATOR,
        {
          terminal: terminal.id,
          secretHash,
          akPublic: ak.akPublic(),
          akName,
          qualifiedName,
          sessionKey: session.spki(),
          ekName: undefined,
        },
        now,
      );
    });
    expect(outcome).to.equal('enrolled');
  }

  /** A fresh token for a terminal. @returns its 32 secret bytes */
  async token(
    terminal: string,
    lifeMs: number = DAY_MS,
    terminalClass: TerminalClass = 'simulated',
  ): Promise<Uint8Array> {
    const secret = new Uint8Array(randomBytes(32));
    const now = Date.now();
    await addToken(this.store.db, OPERATOR, {
      secretHash: nodeCrypto.sha256(secret),
      terminal,
      class: terminalClass,
      model: MODEL,
      createdAt: now,
      expiresAt: now + lifeMs,
    });
    return secret;
  }

  /** A connection whose hello has been sent. */
  async proven(terminal: TestTerminal): Promise<TerminalClient> {
    const client = await this.connect();
    await client.hello(terminal);
    return client;
  }

  /** A connection of a terminal that was admitted over it. */
  async admitted(terminal: TestTerminal): Promise<TerminalClient> {
    const client = await this.proven(terminal);
    const { verdict, codes } = await client.audited(terminal);
    expect(verdict, String(codes)).to.equal('trusted');
    return client;
  }

  auditNow(terminal: TestTerminal): void {
    const connection = this.listener.connections.find(terminal.id);
    if (connection === undefined) expect.fail('not connected');
    connection.requestAudit();
  }

  row({ id }: TestTerminal): Promise<TerminalRecord> {
    return stored(this.store.db, id);
  }

  async decisions({ id }: TestTerminal): Promise<readonly Decision[]> {
    return (await history(this.store.db, OPERATOR, id, 100)).decisions;
  }

  async alarms(): Promise<readonly (readonly [string, string | undefined, number])[]> {
    const alarms = await listAlarms(this.store.db, OPERATOR, 100);
    return alarms.map(({ code, terminal, count }) => [code, terminal, count]);
  }

  /** The next call of this kind waits for its release. */
  hold(name: keyof EndpointStore): Held {
    let call: () => void = () => undefined;
    let release: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      call = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held.set(name, { call, released });
    return { arrived, release };
  }

  /** Everything that was handed to the store has been written. */
  idle(): Promise<void> {
    return this.#group.idle();
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    await this.remove();
  }

  /** What is left once the listener is closed. */
  async remove(): Promise<void> {
    await this.#group.idle();
    await this.store.remove();
  }

  #services(policy: Partial<EndpointPolicy>): EndpointServices {
    const wall = (): number => Date.now();
    return {
      policy: {
        operator: OPERATOR,
        audience: AUDIENCE,
        binding: 'tls-exporter',
        selection: SELECTION,
        auditIntervalMs: HOUR_MS,
        nonceLifeMs: 30_000,
        graceMs: HOUR_MS,
        unauthenticatedDeadlineMs: 30_000,
        enrolmentDeadlineMs: 30_000,
        partsDeadlineMs: 30_000,
        maxEvents: 100_000,
        maxListBytes: 1_048_576,
        maxPlatformLogBytes: 65_536,
        messagesPerSecond: 1000,
        messageBurst: 1000,
        ...policy,
      },
      store: this.#slowable(endpointStore(this.store.db, OPERATOR, this.#group, wall, () => Promise.resolve())),
      lists: this.lists,
      clock: { wall, monotonic: () => performance.now() + this.later },
      random: (length) => new Uint8Array(randomBytes(length)),
      reference: () => this.reference,
      referenceRevision: () => this.reference?.revision ?? 0,
      judge: (record, now) => verdictOf(record, now, LIVENESS, undefined),
      log: { info: () => undefined, warn: () => undefined, error: (fields) => this.errors.push(fields) },
      metrics: {
        result: () => undefined,
        refusal: (code) => this.refusals.push(code),
        noResult: () => undefined,
      },
    };
  }

  #slowable(store: EndpointStore): EndpointStore {
    const wait = async (name: keyof EndpointStore): Promise<void> => {
      const held = this.#held.get(name);
      this.#held.delete(name);
      held?.call();
      await held?.released;
    };
    return {
      ...store,
      find: async (terminal) => {
        await wait('find');
        return await store.find(terminal);
      },
      raiseSession: async (terminal) => {
        await wait('raiseSession');
        return await store.raiseSession(terminal);
      },
      commitResult: async (change) => {
        await wait('commitResult');
        return await store.commitResult(change);
      },
      noteLate: async (record, code) => {
        await wait('noteLate');
        await store.noteLate(record, code);
      },
      findList: async (digest) => {
        await wait('findList');
        return await store.findList(digest);
      },
      findToken: async (secretHash, now) => {
        await wait('findToken');
        return await store.findToken(secretHash, now);
      },
      enrol: async (change, now) => {
        await wait('enrol');
        return await store.enrol(change, now);
      },
    };
  }
}
