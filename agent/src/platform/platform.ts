import type { BootIdentity, HelloContext, QuoteContext } from '@mtm-attest/protocol';

/** A quote as the platform made it: the bytes that standard tools check. */
export interface Quote {
  /** TPMS_ATTEST */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE */
  readonly signature: Uint8Array;
}

/** What a platform says of itself. */
export interface PlatformIdentity {
  readonly backEnd: 'soft' | 'tpm2';
  /** where the key that protects the state comes from; `none` is a file beside the state */
  readonly protection: 'device-key' | 'none' | 'chip' | 'memory';
  readonly boot: BootIdentity;
  /** TPMT_PUBLIC of the AK */
  readonly akPublic: Uint8Array;
  /** Name of the AK, 34 bytes */
  readonly akName: Uint8Array;
  /** SubjectPublicKeyInfo (DER) of the session key, 91 bytes */
  readonly sessionKey: Uint8Array;
}

/** By which key the maker of a chip knows it. */
export interface EndorsementKey {
  /** TPMT_PUBLIC */
  readonly area: Uint8Array;
  /** certificate of the maker (DER), or undefined where there is none */
  readonly certificate: Uint8Array | undefined;
}

/** What is made for an AK and the endorsement key beside it: contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
export interface Credential {
  readonly idObject: Uint8Array;
  readonly secret: Uint8Array;
}

/** Counters that only rise. `audit` counts quotes. */
export const COUNTER_NAMES = ['audit', 'bootstrap', 'rim-protect', 'storage-protect'] as const;
export type CounterName = (typeof COUNTER_NAMES)[number];

/** A quote's context without what the platform knows itself: its AK, and its session key where that is the key to bind. */
export interface QuoteRequest extends Omit<QuoteContext, 'akName' | 'keyToBind'> {
  /** true for enrolment: the quote vouches for the session key */
  readonly bindSessionKey: boolean;
  /** TPML_PCR_SELECTION asked for, as received */
  readonly selection: Uint8Array;
}

/**
 * The trusted environment (TrE) of a terminal, the one semantic interface that every back end serves.
 * It computes qualifyingData and the hello's digest itself: raw data cannot be quoted or signed (F-14). What a credential holds stays inside (F-11).
 */
export interface TrustedPlatform {
  identity(): Promise<PlatformIdentity>;
  /** @param pcr 0..23 @param digest 32 bytes, SHA-256 bank @throws AgentError `platform.selection` */
  extend(pcr: number, digest: Uint8Array): Promise<void>;
  /** All 24 values of the SHA-256 bank, 768 bytes. */
  readPcrs(): Promise<Uint8Array>;
  /** @throws AgentError `platform.selection` (other banks, another form than the usual three bitmap bytes), `platform.refused` */
  quote(request: QuoteRequest): Promise<Quote>;
  /** Signature over the hello by the session key: r and s, 64 bytes. */
  signHello(context: HelloContext): Promise<Uint8Array>;
  /** The endorsement key, or undefined where the back end is no TPM. */
  endorsementKey(): Promise<EndorsementKey | undefined>;
  /**
   * Opens a credential that was made for the AK and this endorsement key.
   * @returns activationProof of its secret, 32 bytes
   * @throws AgentError `tpm.refused` where it was made for other keys or was altered, `platform.refused` where there is no endorsement key
   */
  activateCredential(credential: Credential): Promise<Uint8Array>;
  readCounter(name: CounterName): Promise<bigint>;
  /** Raises by one, durable before it returns. @returns the new value */
  incrementCounter(name: CounterName): Promise<bigint>;
  /** @param length 0..1024 */
  random(length: number): Promise<Uint8Array>;
  /**
   * Ends this use of the platform; whatever is asked afterwards is `platform.unavailable`. In this process it is an orderly power off; the
   * separate process goes on: ending an agent is no power loss.
   */
  close(): Promise<void>;
}
