import {
  type BootIdentity,
  type HelloContext,
  helloMessage,
  LogReplay,
  PCR_BYTES,
  type PcrSelection,
  parsePcrSelection,
  qualifyingData,
  TPM_GENERATED_VALUE,
  writeAttest,
  writePcrSelection,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../../error.ts';
import type { CounterName, PlatformIdentity, Quote, QuoteRequest, TrustedPlatform } from '../platform.ts';
import { CLOCK_SAVE_MS, TpmClock } from './clock.ts';
import { akNames, newPrivateKey, SigningKey } from './keys.ts';
import type { StateFile, StoredState } from './state-file.ts';

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

/**
 * The trusted environment in software: a restricted P-256 attestation key, a session key, 24 PCRs in a SHA-256 bank, clock and counters that
 * behave as those of a TPM 2.0. Every start is a power cycle: PCRs are never stored, and resetCount has risen durably before the first quote.
 */
export class SoftPlatform implements TrustedPlatform {
  readonly #options: SoftPlatformOptions;
  readonly #ak: SigningKey;
  readonly #session: SigningKey;
  readonly #akPublic: Uint8Array;
  readonly #akName: Uint8Array;
  readonly #qualifiedName: Uint8Array;
  readonly #clock: TpmClock;
  readonly #pcrs = new LogReplay(nodeCrypto.sha256);
  #state: StoredState;
  #writes: Promise<void> = Promise.resolve();

  private constructor(options: SoftPlatformOptions, state: StoredState, clock: TpmClock) {
    this.#options = options;
    this.#state = state;
    this.#clock = clock;
    this.#ak = new SigningKey(state.akPrivate);
    this.#session = new SigningKey(state.sessionPrivate);
    this.#akPublic = this.#ak.akPublic();
    const { name, qualifiedName } = akNames(this.#akPublic);
    this.#akName = name;
    this.#qualifiedName = qualifiedName;
  }

  /**
   * Power on.
   * @throws AgentError `state.*`
   */
  static async start(options: SoftPlatformOptions): Promise<SoftPlatform> {
    const before = (await options.state.load()) ?? freshState();
    const clock = new TpmClock(options.now, { bound: before.clockBound, atStop: before.clockAtStop });
    const state: StoredState = {
      ...before,
      generation: before.generation + 1,
      resetCount: before.resetCount + 1,
      restartCount: 0,
      clockBound: boundAfter(before, clock),
      clockAtStop: undefined,
    };
    await options.state.save(state);
    return new SoftPlatform(options, state, clock);
  }

  async identity(): Promise<PlatformIdentity> {
    return {
      backEnd: 'soft',
      protection: this.#options.protection,
      boot: this.#boot(),
      akPublic: this.#akPublic,
      akName: this.#akName,
      sessionKey: this.#session.spki(),
    };
  }

  async extend(pcr: number, digest: Uint8Array): Promise<void> {
    if (!Number.isInteger(pcr) || pcr < 0 || pcr > 23 || digest.length !== PCR_BYTES) {
      throw new AgentError('platform.selection');
    }
    this.#pcrs.extend(pcr, digest);
  }

  async readPcrs(): Promise<Uint8Array> {
    return this.#pcrs.values();
  }

  async quote(request: QuoteRequest): Promise<Quote> {
    const selection = sha256Selection(request.selection);
    await this.#boundClock();
    const extraData = qualifyingData(
      {
        ...request,
        akName: this.#akName,
        keyToBind: request.bindSessionKey ? this.#session.spki() : undefined,
      },
      nodeCrypto.sha256,
    );
    const attest = writeAttest({
      magic: TPM_GENERATED_VALUE,
      qualifiedSigner: this.#qualifiedName,
      extraData,
      clockInfo: { ...this.#boot(), ...this.#clock.read() },
      firmwareVersion: FIRMWARE_VERSION,
      attested: {
        type: 'quote',
        selection,
        selectionBytes: writePcrSelection(selection),
        pcrDigest: this.#pcrDigest(selection),
      },
    });
    const signature = writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: this.#ak.sign(attest) });
    return { attest, signature };
  }

  async signHello(context: HelloContext): Promise<Uint8Array> {
    return this.#session.sign(helloMessage(context));
  }

  async readCounter(name: CounterName): Promise<bigint> {
    return BigInt(this.#state.counters[name] ?? 0);
  }

  async incrementCounter(name: CounterName): Promise<bigint> {
    const state = await this.#change((before) => {
      const value = (before.counters[name] ?? 0) + 1;
      if (value > MAX_COUNTER) throw new AgentError('platform.counter');
      return { ...before, counters: { ...before.counters, [name]: value } };
    });
    return BigInt(state.counters[name] ?? 0);
  }

  async random(length: number): Promise<Uint8Array> {
    return this.#options.random(length);
  }

  /** Orderly power off: the clock goes on from here at the next start. */
  async close(): Promise<void> {
    await this.#change((before) => ({ ...before, clockAtStop: Number(this.#clock.read().clock) }));
  }

  #boot(): BootIdentity {
    return { resetCount: this.#state.resetCount, restartCount: this.#state.restartCount };
  }

  #pcrDigest(selection: PcrSelection): Uint8Array {
    const values = this.#pcrs.values();
    const chosen = selection.flatMap(({ pcrs }) =>
      pcrs.map((pcr) => values.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES)),
    );
    return nodeCrypto.sha256(Buffer.concat(chosen));
  }

  /** No clock value is shown above the bound that is durable. */
  async #boundClock(): Promise<void> {
    const clock = Number(this.#clock.read().clock);
    if (clock < this.#state.clockBound) return;
    await this.#change((before) => ({ ...before, clockBound: clock + CLOCK_SAVE_MS }));
  }

  /** One write at a time; the new state counts only once it is durable. */
  #change(next: (before: StoredState) => StoredState): Promise<StoredState> {
    const changed = this.#writes.then(async () => {
      const state = { ...next(this.#state), generation: this.#state.generation + 1 };
      await this.#options.state.save(state);
      this.#state = state;
      return state;
    });
    this.#writes = changed.then(
      () => undefined,
      () => undefined,
    );
    return changed;
  }
}

function freshState(): StoredState {
  return {
    generation: 0,
    akPrivate: newPrivateKey(),
    sessionPrivate: newPrivateKey(),
    resetCount: 0,
    restartCount: 0,
    clockBound: 0,
    clockAtStop: 0,
    counters: {},
  };
}

function boundAfter(before: StoredState, clock: TpmClock): number {
  return Math.max(before.clockBound, Number(clock.read().clock) + CLOCK_SAVE_MS);
}

/** Bits of banks that this platform lacks would be cleared silently by a TPM; here they are refused. */
function sha256Selection(bytes: Uint8Array): PcrSelection {
  const selection = parsePcrSelection(bytes);
  if (selection.some(({ bank, pcrs }) => bank !== 'sha256' || pcrs.some((pcr) => pcr > 23))) {
    throw new AgentError('platform.selection');
  }
  return selection;
}
