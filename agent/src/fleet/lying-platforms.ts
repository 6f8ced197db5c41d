import { type HelloContext, parsePcrSelection, writePcrSelection } from '@mtm-attest/protocol';
import type {
  CounterName,
  Credential,
  EndorsementKey,
  PlatformIdentity,
  Quote,
  QuoteRequest,
  TrustedPlatform,
} from '../platform/platform.ts';

/** Everything as the genuine platform does it; a lie overrides what it lies about. */
class PlatformBehind implements TrustedPlatform {
  protected readonly genuine: TrustedPlatform;

  constructor(genuine: TrustedPlatform) {
    this.genuine = genuine;
  }

  identity(): Promise<PlatformIdentity> {
    return this.genuine.identity();
  }

  extend(pcr: number, digest: Uint8Array): Promise<void> {
    return this.genuine.extend(pcr, digest);
  }

  readPcrs(): Promise<Uint8Array> {
    return this.genuine.readPcrs();
  }

  quote(request: QuoteRequest): Promise<Quote> {
    return this.genuine.quote(request);
  }

  signHello(context: HelloContext): Promise<Uint8Array> {
    return this.genuine.signHello(context);
  }

  endorsementKey(): Promise<EndorsementKey | undefined> {
    return this.genuine.endorsementKey();
  }

  activateCredential(credential: Credential): Promise<Uint8Array> {
    return this.genuine.activateCredential(credential);
  }

  readCounter(name: CounterName): Promise<bigint> {
    return this.genuine.readCounter(name);
  }

  incrementCounter(name: CounterName): Promise<bigint> {
    return this.genuine.incrementCounter(name);
  }

  random(length: number): Promise<Uint8Array> {
    return this.genuine.random(length);
  }

  close(): Promise<void> {
    return this.genuine.close();
  }
}

/** Quotes come from another platform with a key of its own, whose PCRs the attacker extends alike (F-08). */
export class OtherKeyPlatform extends PlatformBehind {
  readonly #other: TrustedPlatform;

  constructor(genuine: TrustedPlatform, other: TrustedPlatform) {
    super(genuine);
    this.#other = other;
  }

  override async extend(pcr: number, digest: Uint8Array): Promise<void> {
    await this.#other.extend(pcr, digest);
    await super.extend(pcr, digest);
  }

  /** Enrolment was honest: only later quotes are the other's. */
  override quote(request: QuoteRequest): Promise<Quote> {
    return request.bindSessionKey ? super.quote(request) : this.#other.quote(request);
  }

  override async close(): Promise<void> {
    await this.#other.close();
    await super.close();
  }
}

/** Leaves one PCR out of what its quotes cover (F-15). */
export class ReducedSelectionPlatform extends PlatformBehind {
  readonly #left: number;

  /** @param left index of the PCR that no quote shall cover */
  constructor(genuine: TrustedPlatform, left: number) {
    super(genuine);
    this.#left = left;
  }

  /** Enrolment was honest: only later quotes cover less. */
  override quote(request: QuoteRequest): Promise<Quote> {
    if (request.bindSessionKey) return super.quote(request);
    const asked = parsePcrSelection(request.selection);
    const reduced = asked.map(({ bank, pcrs }) => ({ bank, pcrs: pcrs.filter((pcr) => pcr !== this.#left) }));
    return super.quote({ ...request, selection: writePcrSelection(reduced) });
  }
}
