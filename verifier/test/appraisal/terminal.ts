import {
  type Attest,
  type BootIdentity,
  type ChannelBinding,
  type ComponentList,
  EVENTS,
  encodeClaims,
  encodeComponentList,
  encodeEvent,
  encodeRecord,
  type HelloContext,
  helloMessage,
  type LogEvent,
  LogReplay,
  MRTM_COMPARTMENT,
  nameOf,
  parsePcrSelection,
  primaryQualifiedName,
  type QuoteContext,
  qualifyingData,
  TPM_GENERATED_VALUE,
  TPM_RH,
  toHex,
  writeAttest,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { ChallengeFacts, EnrolmentFacts } from '../../src/appraisal/input.ts';
import { componentsOf, digestOf } from './firmware.ts';
import { TestKey } from './signing-key.ts';

export const AUDIENCE = 'verifier';
export const CHANNEL: ChannelBinding = { type: 'tls-exporter', value: new Uint8Array(32).fill(0xc5) };

/** What a terminal answers a challenge with, before it is cut into messages. */
export interface Answer {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly claims: Uint8Array;
  /** whole records from `from` on */
  readonly log: Uint8Array;
  readonly list: { readonly bytes: Uint8Array; readonly digest: Uint8Array };
}

/** What an attacked terminal does differently when it answers. */
export interface Lies {
  readonly context?: Partial<QuoteContext>;
  readonly attest?: Partial<Attest>;
  /** extends this event instead of the audit; undefined leaves the audit out */
  readonly audit?: { readonly event: LogEvent | undefined };
  readonly auditCounter?: bigint;
  readonly tokenDigest?: Uint8Array;
  readonly activation?: Uint8Array | undefined;
  readonly signer?: TestKey;
}

interface Logged {
  readonly pcr: number;
  readonly content: Uint8Array;
}

/** A terminal in software: protocol functions and a key. It boots, starts components, audits and quotes, honestly unless it is told otherwise. */
export class TestTerminal {
  readonly id: string;
  readonly ak: TestKey;
  readonly session: TestKey;
  clock = 1000n;
  safe = true;
  auditCounter = 0n;
  boot: BootIdentity = { resetCount: 0, restartCount: 0 };
  /** what is measured now, by name */
  running = new Map<string, Uint8Array>();
  /** every list that an audit named, by hexadecimal digest */
  readonly lists = new Map<string, Answer['list']>();
  #events: Logged[] = [];
  #replay = new LogReplay(nodeCrypto.sha256);

  constructor(id = 't-1', keys = id) {
    this.id = id;
    this.ak = new TestKey(`${keys} ak`);
    this.session = new TestKey(`${keys} session`);
  }

  get count(): number {
    return this.#events.length;
  }

  get pcrs(): Uint8Array {
    return this.#replay.values();
  }

  get akName(): Uint8Array {
    return nameOf(this.ak.akPublic(), nodeCrypto);
  }

  get qualifiedName(): Uint8Array {
    return primaryQualifiedName(TPM_RH.ENDORSEMENT, this.akName, nodeCrypto);
  }

  enrolment(): EnrolmentFacts {
    return {
      terminal: this.id,
      compartment: MRTM_COMPARTMENT,
      ownershipEpoch: 0n,
      akName: this.akName,
      qualifiedName: this.qualifiedName,
      akKey: this.ak.verification(),
    };
  }

  /** The same terminal once more, as a copied state directory makes it. */
  copy(): TestTerminal {
    const copy = new TestTerminal(this.id, this.id);
    copy.clock = this.clock;
    copy.safe = this.safe;
    copy.auditCounter = this.auditCounter;
    copy.boot = this.boot;
    copy.running = new Map(this.running);
    for (const [hex, list] of this.lists) copy.lists.set(hex, list);
    copy.#events = [...this.#events];
    copy.#replay = new LogReplay(nodeCrypto.sha256, { count: this.count, pcrs: this.pcrs });
    return copy;
  }

  /** Power on: PCRs and log begin anew. */
  powerOn(): void {
    this.#begin({ resetCount: this.boot.resetCount + 1, restartCount: 0 });
  }

  #begin(boot: BootIdentity): void {
    this.boot = boot;
    this.#events = [];
    this.#replay = new LogReplay(nodeCrypto.sha256);
    this.running = new Map();
  }

  /** A complete boot of a release. @param changed components whose bytes somebody changed before */
  bootRelease(release = 1, changed: readonly string[] = []): this {
    this.powerOn();
    return this.#measure(release, changed);
  }

  /** The same after a TPM Restart: resetCount stays, restartCount rises. */
  restartRelease(release = 1): this {
    this.#begin({ resetCount: this.boot.resetCount, restartCount: this.boot.restartCount + 1 });
    return this.#measure(release, []);
  }

  #measure(release: number, changed: readonly string[]): this {
    this.append({ type: 'boot', ...this.boot, agent: 'test/1' });
    this.append({ type: 'release', release, manifestDigest: new Uint8Array(32).fill(release) });
    for (const { name, pcr, phase, digest } of componentsOf(release)) {
      if (phase === 'runtime') continue;
      const found = changed.includes(name) ? digestOf(name, 'changed') : digest;
      this.append({ type: 'component', name, digest: found }, pcr);
      this.running.set(name, found);
    }
    this.append({ type: 'ready' });
    return this;
  }

  /** Starts a component after boot, as its release ships it unless told otherwise. */
  start(name: string, digest: Uint8Array = digestOf(name, 'release 1')): void {
    this.append({ type: 'started', name, digest });
    this.running.set(name, digest);
  }

  /** Changes the bytes of a component that runs; nothing is logged. */
  change(name: string): void {
    this.running.set(name, digestOf(name, 'changed'));
  }

  append(event: LogEvent, pcr: number = EVENTS[event.type].pcrs[0] ?? 0): void {
    this.appendContent(pcr, encodeEvent(event));
  }

  appendContent(pcr: number, content: Uint8Array): void {
    this.#events.push({ pcr, content });
    this.extend(pcr, nodeCrypto.sha256(content));
  }

  /** Past the log. */
  extend(pcr: number, digest: Uint8Array): void {
    this.#replay.extend(pcr, digest);
  }

  /** Whole records of events `from` to `to`. */
  log(from = 0, to = this.count): Uint8Array {
    const records = this.#events.slice(from, to).map(({ pcr, content }) => encodeRecord(pcr, content));
    return new Uint8Array(Buffer.concat(records));
  }

  list(): Answer['list'] {
    const list: ComponentList = [...this.running]
      .map(([name, digest]) => ({ name, digest }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const bytes = encodeComponentList(list);
    return { bytes, digest: nodeCrypto.sha256(bytes) };
  }

  /** Measures, logs, quotes. @param from where the log that is sent begins */
  answer(challenge: ChallengeFacts, channel: ChannelBinding = CHANNEL, from = 0, lies: Lies = {}): Answer {
    const list = this.list();
    this.lists.set(toHex(list.digest), list);
    const honest: LogEvent = { type: 'audit', nonce: challenge.nonce, listDigest: list.digest };
    const event = lies.audit === undefined ? honest : lies.audit.event;
    if (event !== undefined) this.append(event);
    return { ...this.quote(challenge, channel, lies), log: this.log(from), list };
  }

  /** Quote and claims alone. */
  quote(challenge: ChallengeFacts, binding: ChannelBinding, lies: Lies = {}): Omit<Answer, 'log' | 'list'> {
    this.auditCounter += 1n;
    this.clock += 10n;
    const claims = encodeClaims({
      auditCounter: lies.auditCounter ?? this.auditCounter,
      tokenDigest: lies.tokenDigest,
      activation: lies.activation,
    });
    const context: QuoteContext = {
      purpose: challenge.purpose,
      challengeDigest: challenge.digest,
      binding,
      audience: AUDIENCE,
      terminal: this.id,
      compartment: MRTM_COMPARTMENT,
      ownershipEpoch: 0n,
      akName: this.akName,
      claimsDigest: nodeCrypto.sha256(claims),
      keyToBind: lies.tokenDigest === undefined ? undefined : this.session.spki(),
      ...lies.context,
    };
    const attest = writeAttest({
      magic: TPM_GENERATED_VALUE,
      qualifiedSigner: this.qualifiedName,
      extraData: qualifyingData(context, nodeCrypto.sha256),
      clockInfo: { ...this.boot, clock: this.clock, safe: this.safe },
      firmwareVersion: 1n,
      attested: this.attested(challenge.selection),
      ...lies.attest,
    });
    const signer = lies.signer ?? this.ak;
    return {
      attest,
      claims,
      signature: writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: signer.sign(attest) }),
    };
  }

  /** TPMS_QUOTE_INFO over a selection. */
  attested(selectionBytes: Uint8Array): Attest['attested'] {
    const selection = parsePcrSelection(selectionBytes);
    const values = this.pcrs;
    const chosen = selection.flatMap(({ pcrs }) => pcrs.map((pcr) => values.subarray(pcr * 32, (pcr + 1) * 32)));
    return {
      type: 'quote',
      selection,
      selectionBytes,
      pcrDigest: nodeCrypto.sha256(new Uint8Array(Buffer.concat(chosen))),
    };
  }

  signHello(context: HelloContext): Uint8Array {
    return this.session.sign(helloMessage(context));
  }
}
