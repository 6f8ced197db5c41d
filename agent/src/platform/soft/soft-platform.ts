import {
  type HelloContext,
  helloMessage,
  LogReplay,
  PCR_BYTES,
  PCR_COUNT,
  type PcrSelection,
  qualifyingData,
  TPM_GENERATED_VALUE,
  writeAttest,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../../error.ts';
import type { CounterName, PlatformIdentity, Quote, QuoteRequest, TrustedPlatform } from '../platform.ts';
import { CLOCK_SAVE_MS, TpmClock } from './clock.ts';
import { akNames, SigningKey } from './keys.ts';
import { sha256Selection } from './selection.ts';
import type { StateFile } from './state-file.ts';
import { freshState, type StoredState } from './stored-state.ts';

export interface SoftPlatformOptions {
  readonly state: StateFile;
  readonly protection: PlatformIdentity['protection'];
  /** monotonic milliseconds */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** Of the soft TrE; a quote carries it. */
const FIRMWARE_VERSION = 0x0000_0001_0000_0000n;
const MAX_COUNTER = Number.MAX_SAFE_INTEGER;
const MAX_COUNT = 0xffff_ffff;
const DIGEST_BYTES = 32;
/** Most random bytes of one answer. */
export const MAX_RANDOM_BYTES = 1024;

/**
 * The trusted environment in software: a restricted P-256 attestation key, a session key, 24 PCRs in a SHA-256 bank, clock and counters that
 * behave as those of a TPM 2.0. Every start is a power cycle: PCRs are never stored, and resetCount has risen durably before the first quote.
 */
export class SoftPlatform implements TrustedPlatform {
  readonly #options: SoftPlatformOptions;
  readonly #ak: SigningKey;
  readonly #session: SigningKey;
  readonly #identity: PlatformIdentity;
  readonly #qualifiedName: Uint8Array;
  readonly #clock: TpmClock;
  readonly #pcrs = new LogReplay(nodeCrypto.sha256);
  #state: StoredState;
  #writes: Promise<unknown> = Promise.resolve();
  #off = false;

  private constructor(options: SoftPlatformOptions, state: StoredState, clock: TpmClock) {
    this.#options = options;
    this.#state = state;
    this.#clock = clock;
    this.#ak = new SigningKey(state.akPrivate);
    this.#session = new SigningKey(state.sessionPrivate);
    const akPublic = this.#ak.akPublic();
    const { name, qualifiedName } = akNames(akPublic);
    this.#qualifiedName = qualifiedName;
    this.#identity = {
      backEnd: 'soft',
      protection: options.protection,
      boot: { resetCount: state.resetCount, restartCount: state.restartCount },
      akPublic,
      akName: name,
      sessionKey: this.#session.spki(),
    };
  }

  /**
   * Power on.
   * @throws AgentError `state.*`
   */
  static async start(options: SoftPlatformOptions): Promise<SoftPlatform> {
    const before = (await options.state.load()) ?? freshState();
    if (before.resetCount === MAX_COUNT) throw new AgentError('platform.counter', 'resetCount');
    const clock = new TpmClock(options.now, { bound: before.clockBound, atStop: before.clockAtStop });
    const state = await options.state.saveStart({
      ...before,
      generation: before.generation + 1,
      resetCount: before.resetCount + 1,
      restartCount: 0,
      clockBound: Math.max(before.clockBound, Number(clock.read().clock) + CLOCK_SAVE_MS),
      clockAtStop: undefined,
    });
    return new SoftPlatform(options, state, clock);
  }

  async identity(): Promise<PlatformIdentity> {
    this.#demandPower();
    return this.#identity;
  }

  async extend(pcr: number, digest: Uint8Array): Promise<void> {
    this.#demandPower();
    if (!Number.isInteger(pcr) || pcr < 0 || pcr >= PCR_COUNT || digest.length !== PCR_BYTES) {
      throw new AgentError('platform.selection');
    }
    this.#pcrs.extend(pcr, digest);
  }

  async readPcrs(): Promise<Uint8Array> {
    this.#demandPower();
    return this.#pcrs.values();
  }

  async quote(request: QuoteRequest): Promise<Quote> {
    const selection = sha256Selection(request.selection);
    demandDigests(request.challengeDigest, request.claimsDigest);
    const reading = await this.#showableClock();
    const { akName, sessionKey, boot } = this.#identity;
    const attest = writeAttest({
      magic: TPM_GENERATED_VALUE,
      qualifiedSigner: this.#qualifiedName,
      extraData: qualifyingData(
        { ...request, akName, keyToBind: request.bindSessionKey ? sessionKey : undefined },
        nodeCrypto.sha256,
      ),
      clockInfo: { ...boot, ...reading },
      firmwareVersion: FIRMWARE_VERSION,
      attested: {
        type: 'quote',
        selection,
        selectionBytes: request.selection,
        pcrDigest: this.#pcrDigest(selection),
      },
    });
    const signature = writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: this.#ak.sign(attest) });
    return { attest, signature };
  }

  async signHello(context: HelloContext): Promise<Uint8Array> {
    this.#demandPower();
    demandDigests(context.nonce);
    return this.#session.sign(helloMessage(context));
  }

  async readCounter(name: CounterName): Promise<bigint> {
    this.#demandPower();
    return BigInt(this.#state.counters[name] ?? 0);
  }

  async incrementCounter(name: CounterName): Promise<bigint> {
    const { counters } = await this.#change((before) => {
      const value = (before.counters[name] ?? 0) + 1;
      if (value > MAX_COUNTER) throw new AgentError('platform.counter', name);
      return { ...before, counters: { ...before.counters, [name]: value } };
    });
    return BigInt(counters[name] ?? 0);
  }

  async endorsementKey(): Promise<undefined> {
    this.#demandPower();
  }

  /** There is no endorsement key that a credential could be made for. */
  async activateCredential(): Promise<Uint8Array> {
    this.#demandPower();
    throw new AgentError('platform.refused', 'no endorsement key');
  }

  async random(length: number): Promise<Uint8Array> {
    this.#demandPower();
    if (!Number.isInteger(length) || length < 0 || length > MAX_RANDOM_BYTES) throw new AgentError('platform.refused');
    return this.#options.random(length);
  }

  /** Orderly power off: the clock goes on from here at the next start. Nothing is answered afterwards, so no later value was shown. */
  async close(): Promise<void> {
    if (this.#off) return;
    const last = this.#change((before) => {
      const { clock, safe } = this.#clock.read();
      return { ...before, clockAtStop: Number(clock), clockBound: safe ? Number(clock) : before.clockBound };
    });
    this.#off = true;
    await last;
  }

  #demandPower(): void {
    if (this.#off) throw new AgentError('platform.unavailable', 'powered off');
  }

  #pcrDigest(selection: PcrSelection): Uint8Array {
    const values = this.#pcrs.values();
    const chosen = selection.flatMap(({ pcrs }) =>
      pcrs.map((pcr) => values.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES)),
    );
    return nodeCrypto.sha256(Buffer.concat(chosen));
  }

  /** A reading under the bound that is durable, to be shown before anything else happens: no await lies between the two. */
  async #showableClock(): Promise<ReturnType<TpmClock['read']>> {
    for (;;) {
      this.#demandPower();
      const reading = this.#clock.read();
      if (Number(reading.clock) <= this.#state.clockBound) return reading;
      await this.#change((before) => ({ ...before, clockBound: Number(this.#clock.read().clock) + CLOCK_SAVE_MS }));
    }
  }

  /** One write at a time; the new state counts only once it is durable. */
  #change(next: (before: StoredState) => StoredState): Promise<StoredState> {
    if (this.#off) return Promise.reject(new AgentError('platform.unavailable', 'powered off'));
    const changed = this.#writes.then(async () => {
      this.#state = await this.#options.state.save({ ...next(this.#state), generation: this.#state.generation + 1 });
      return this.#state;
    });
    this.#writes = changed.catch(() => undefined);
    return changed;
  }
}

/** @throws AgentError `platform.refused` */
function demandDigests(...digests: readonly Uint8Array[]): void {
  if (digests.some(({ length }) => length !== DIGEST_BYTES)) throw new AgentError('platform.refused', 'digest');
}
