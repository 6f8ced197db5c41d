import {
  type ChannelBinding,
  type Claims,
  challengeId,
  encodeClaims,
  equalBytes,
  MAX_SLICE_BYTES,
  type Message,
  MRTM_COMPARTMENT,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type Booted, startComponent } from '../boot/sequence.ts';
import { AgentError } from '../error.ts';
import type { Credential, Quote, TrustedPlatform } from '../platform/platform.ts';
import type { DurableFiles } from '../storage/durable-files.ts';
import { partsOf, peeked, slicesOf } from './answer-parts.ts';
import { ListFiles } from './list-files.ts';
import type { PlatformLogs } from './platform-logs.ts';
import { quotedPcrs } from './quoted-pcrs.ts';

/** Whom evidence is for, and over which channel; no part of it comes from the challenge. */
export interface EvidenceContext {
  readonly binding: ChannelBinding;
  readonly audience: string;
  readonly terminal: string;
}

const EMPTY = new Uint8Array();
const NO_CURSOR = 0;
const KNOWN_BYTES = 16;
/** The kernel measures while a TPM quotes, and a quote takes a TPM up to a second. */
const MAX_QUOTES = 16;

interface Quoted {
  readonly quote: Quote;
  readonly claims: Uint8Array;
  /** the selected values, where the challenge asks for logs of the platform */
  readonly pcrs: Uint8Array | undefined;
}

/** Builds evidence, one at a time: audit event, quote and slice belong together (SPEC.md 6.4). */
export class EvidenceSource {
  readonly #platform: TrustedPlatform;
  readonly #files: DurableFiles;
  readonly #booted: Booted;
  readonly #lists: ListFiles;
  readonly #logs: PlatformLogs;
  #last: Promise<unknown> = Promise.resolve();

  constructor(platform: TrustedPlatform, files: DurableFiles, booted: Booted, logs: PlatformLogs) {
    this.#platform = platform;
    this.#files = files;
    this.#booted = booted;
    this.#lists = new ListFiles(files);
    this.#logs = logs;
  }

  /** Starts a component after boot; waits for evidence in the making. */
  start(name: string, path?: string): Promise<void> {
    return this.#alone(() => startComponent(this.#booted, this.#files, name, path));
  }

  /** The messages that answer a gate or runtime challenge: evidence, then its parts. */
  async *answer(
    challenge: Message<'challenge'>,
    received: Uint8Array,
    context: EvidenceContext,
  ): AsyncGenerator<Message<'evidence'> | Message<'part'>> {
    const { log, audited } = this.#booted;
    const { list, quoted, to } = await this.#alone(async () => {
      const measured = await audited.measure();
      await this.#lists.keep(measured);
      await log.append({ type: 'audit', nonce: challenge.nonce, listDigest: measured.digest });
      return { list: measured, quoted: await this.#quoteWithPcrs(challenge, received, context), to: log.count };
    });
    const { quote, claims, pcrs } = quoted;
    const id = challengeId(nodeCrypto.sha256(received));
    const isKnown =
      challenge.knownList !== undefined && equalBytes(challenge.knownList, list.digest.subarray(0, KNOWN_BYTES));
    const firmware = challenge.firmware === true ? this.#logs.firmware?.() : undefined;
    const ima = await this.#ima(challenge);
    const isPlatformSent = firmware !== undefined || ima !== undefined;
    const slices = log.slices(Math.min(challenge.cursor?.count ?? NO_CURSOR, to), to);
    const first = isPlatformSent ? undefined : await slices.next();
    const rest = await peeked(slices);
    yield {
      type: 'evidence',
      challenge: id,
      ...quote,
      claims,
      log: first === undefined || first.done === true ? EMPTY : first.value,
      ...(rest.isEmpty ? {} : { moreLog: true }),
      ...(isKnown ? {} : { lists: 1 }),
      ...(pcrs === undefined ? {} : { pcrs }),
      ...(firmware === undefined ? {} : { firmware: true }),
      ...(ima === undefined ? {} : { ima: true }),
    };
    if (firmware !== undefined) yield* partsOf(id, 'firmware', slicesOf(firmware));
    if (ima !== undefined) yield* partsOf(id, 'ima', ima);
    if (!rest.isEmpty) yield* partsOf(id, 'log', rest.values);
    if (!isKnown) yield* listParts(id, list.bytes);
  }

  /** Read after the quote, so that it can only be longer. @returns undefined where there is no list, or nothing new behind a cursor */
  async #ima({ ima: from }: Message<'challenge'>): Promise<AsyncIterator<Uint8Array> | undefined> {
    const read = this.#logs.ima;
    if (from === undefined || read === undefined) return undefined;
    const { isEmpty, values } = await peeked(slicesOf(read(from)));
    return from > 0 && isEmpty ? undefined : values;
  }

  /** The parts of a list that the log names; one empty part where it is not there. */
  async *list(challenge: Uint8Array, digest: Uint8Array): AsyncGenerator<Message<'part'>> {
    yield* listParts(challenge, (await this.#lists.read(digest)) ?? EMPTY);
  }

  /**
   * Evidence for an enrolment: it vouches for the session key, knows the token and opens the credential, if any; the PCRs are the gate's business
   * (SPEC.md 6.5).
   */
  async enrolment(
    challenge: Message<'challenge'>,
    received: Uint8Array,
    context: EvidenceContext,
    tokenDigest: Uint8Array,
  ): Promise<Message<'evidence'>> {
    const credential = credentialOf(challenge);
    const { quote, claims } = await this.#alone(async () => {
      const activation = credential === undefined ? undefined : await this.#platform.activateCredential(credential);
      return this.#quote(challenge, received, context, { tokenDigest, activation });
    });
    return { type: 'evidence', challenge: challengeId(nodeCrypto.sha256(received)), ...quote, claims, log: EMPTY };
  }

  /**
   * A quote, and the values that it covers where the challenge asks for logs of the platform.
   * @throws AgentError `platform.unsettled`
   */
  async #quoteWithPcrs(
    challenge: Message<'challenge'>,
    received: Uint8Array,
    context: EvidenceContext,
  ): Promise<Quoted> {
    if (challenge.firmware !== true && challenge.ima === undefined) {
      return { ...(await this.#quote(challenge, received, context)), pcrs: undefined };
    }
    for (let left = MAX_QUOTES; left > 0; left--) {
      const before = await this.#platform.readPcrs();
      const made = await this.#quote(challenge, received, context);
      const pcrs =
        quotedPcrs(made.quote, challenge.selection, before) ??
        quotedPcrs(made.quote, challenge.selection, await this.#platform.readPcrs());
      if (pcrs !== undefined) return { ...made, pcrs };
    }
    throw new AgentError('platform.unsettled');
  }

  /** The audit counter is durable before the quote that shows it. */
  async #quote(
    challenge: Message<'challenge'>,
    received: Uint8Array,
    context: EvidenceContext,
    enrolment?: Omit<Claims, 'auditCounter'>,
  ): Promise<{ readonly quote: Quote; readonly claims: Uint8Array }> {
    const claims = encodeClaims({ auditCounter: await this.#platform.incrementCounter('audit'), ...enrolment });
    const quote = await this.#platform.quote({
      ...context,
      purpose: challenge.purpose,
      challengeDigest: nodeCrypto.sha256(received),
      compartment: MRTM_COMPARTMENT,
      ownershipEpoch: 0n,
      claimsDigest: nodeCrypto.sha256(claims),
      bindSessionKey: enrolment !== undefined,
      selection: challenge.selection,
    });
    return { quote, claims };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function credentialOf({ credential, encryptedSecret }: Message<'challenge'>): Credential | undefined {
  if (credential === undefined || encryptedSecret === undefined) return undefined;
  return { idObject: credential, secret: encryptedSecret };
}

function* listParts(challenge: Uint8Array, bytes: Uint8Array): Generator<Message<'part'>> {
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_SLICE_BYTES) {
    const last = at + MAX_SLICE_BYTES >= bytes.length ? { last: true } : {};
    yield { type: 'part', challenge, kind: 'list', body: bytes.subarray(at, at + MAX_SLICE_BYTES), ...last };
  }
}
