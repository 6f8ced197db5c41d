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
import type { Credential, Quote, TrustedPlatform } from '../platform/platform.ts';
import type { DurableFiles } from '../storage/durable-files.ts';
import { ListFiles } from './list-files.ts';

/** Whom evidence is for, and over which channel; no part of it comes from the challenge. */
export interface EvidenceContext {
  readonly binding: ChannelBinding;
  readonly audience: string;
  readonly terminal: string;
}

const EMPTY = new Uint8Array();
const NO_CURSOR = 0;
const KNOWN_BYTES = 16;

/** Builds evidence, one at a time: audit event, quote and slice belong together (SPEC.md 6.4). */
export class EvidenceSource {
  readonly #platform: TrustedPlatform;
  readonly #files: DurableFiles;
  readonly #booted: Booted;
  readonly #lists: ListFiles;
  #last: Promise<unknown> = Promise.resolve();

  constructor(platform: TrustedPlatform, files: DurableFiles, booted: Booted) {
    this.#platform = platform;
    this.#files = files;
    this.#booted = booted;
    this.#lists = new ListFiles(files);
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
    const { list, quote, claims, to } = await this.#alone(async () => {
      const measured = await audited.measure();
      await this.#lists.keep(measured);
      await log.append({ type: 'audit', nonce: challenge.nonce, listDigest: measured.digest });
      const signed = await this.#quote(challenge, received, context);
      return { list: measured, ...signed, to: log.count };
    });
    const id = challengeId(nodeCrypto.sha256(received));
    const isKnown =
      challenge.knownList !== undefined && equalBytes(challenge.knownList, list.digest.subarray(0, KNOWN_BYTES));
    const from = Math.min(challenge.cursor?.count ?? NO_CURSOR, to);
    const slices = log.slices(from, to);
    let slice = await slices.next();
    let next = await slices.next();
    yield {
      type: 'evidence',
      challenge: id,
      ...quote,
      claims,
      log: slice.done === true ? EMPTY : slice.value,
      ...(next.done === true ? {} : { moreLog: true }),
      ...(isKnown ? {} : { lists: 1 }),
    };
    while (next.done !== true) {
      slice = next;
      next = await slices.next();
      const last = next.done === true ? { last: true } : {};
      yield { type: 'part', challenge: id, kind: 'log', body: slice.value, ...last };
    }
    if (!isKnown) yield* listParts(id, list.bytes);
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
