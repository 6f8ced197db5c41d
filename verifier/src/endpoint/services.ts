import type { BootIdentity, ComponentList, TerminalClass } from '@mtm-attest/protocol';
import type { Explained } from '../appraisal/explain.ts';
import type { ModelReference } from '../appraisal/input.ts';
import type { ResultRecord } from '../appraisal/result-record.ts';
import type { Settled } from '../appraisal/settle.ts';
import type { SelectionAsked } from '../challenge/open-challenge.ts';
import type { JudgedVerdict } from '../liveness/verdict.ts';
import type { TerminalRecord } from './terminal-record.ts';

/** A result to make durable: the row's change, the record, and the row it was settled on. */
export interface ResultChange {
  readonly record: TerminalRecord;
  readonly settled: Settled;
  readonly nextAuditAt: number;
  /** of the Reference Values that it was appraised against */
  readonly referenceRevision: number;
  readonly result: ResultRecord;
  readonly challengedAt: number;
  readonly explanation: readonly Explained[];
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly ledgerIndex: number; readonly leafHash: Uint8Array }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'session-gone' };

/** An enrolment whose quote verified. */
export interface EnrolmentChange {
  readonly terminal: string;
  readonly secretHash: Uint8Array;
  readonly akPublic: Uint8Array;
  readonly akName: Uint8Array;
  readonly qualifiedName: Uint8Array;
  readonly sessionKey: Uint8Array;
  /** Name of the endorsement key beside which the AK was proven, or undefined where the class proves none */
  readonly ekName: Uint8Array | undefined;
}

/** `refused`: the endorsement key is another terminal's. The others are described where the token is consumed. */
export type EnrolmentOutcome = 'enrolled' | 'token-reused' | 'token-invalid' | 'same-ak' | 'ak-in-use' | 'refused';

/** What an unused or rightly repeated token stands for. */
export interface TokenRecord {
  readonly terminal: string;
  readonly class: TerminalClass;
  readonly model: string;
}

/** The endpoint's view of the store: every promise resolves after its commit. */
export interface EndpointStore {
  find(terminal: string): Promise<TerminalRecord | undefined>;
  /** A newer session begins; the row as it is after that. */
  raiseSession(terminal: string): Promise<TerminalRecord | undefined>;
  commitResult(change: ResultChange): Promise<CommitOutcome>;
  /** A boot.new: pending, no longer admitted. @returns false where the session is gone */
  announceBoot(record: TerminalRecord, boot: BootIdentity, at: number): Promise<boolean>;
  noteLate(record: TerminalRecord, code: NonNullable<TerminalRecord['lateCode']>): Promise<void>;
  /** @returns undefined where the token is unknown or has expired */
  findToken(secretHash: Uint8Array, now: number): Promise<TokenRecord | undefined>;
  /** Consumes the token in the transaction that writes the enrolment. */
  enrol(change: EnrolmentChange, now: number): Promise<EnrolmentOutcome>;
  findList(digest: Uint8Array): Promise<Uint8Array | undefined>;
  keepList(digest: Uint8Array, bytes: Uint8Array): Promise<void>;
  alarm(code: string, terminal: string | undefined, detail: string, at: number): Promise<void>;
}

/** Decoded component lists by hexadecimal digest. */
export interface ListCache {
  get(digest: string): ComponentList | undefined;
  set(digest: string, list: ComponentList): void;
}

export interface EndpointClock {
  /** wall clock that never goes back, milliseconds since 1970 */
  wall(): number;
  /** milliseconds */
  monotonic(): number;
}

export interface EndpointPolicy {
  readonly operator: string;
  readonly audience: string;
  readonly binding: 'tls-exporter' | 'tls-server-end-point';
  readonly selection: SelectionAsked;
  readonly auditIntervalMs: number;
  readonly nonceLifeMs: number;
  readonly graceMs: number;
  readonly unauthenticatedDeadlineMs: number;
  readonly enrolmentDeadlineMs: number;
  readonly partsDeadlineMs: number;
  readonly maxEvents: number;
  readonly maxListBytes: number;
  readonly maxPlatformLogBytes: number;
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
}

export interface EndpointLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What may be counted. */
export interface EndpointMetrics {
  result(verdict: string, purpose: string): void;
  refusal(code: string): void;
  noResult(code: string): void;
}

export interface EndpointServices {
  readonly policy: EndpointPolicy;
  readonly store: EndpointStore;
  readonly lists: ListCache;
  readonly clock: EndpointClock;
  readonly random: (length: number) => Uint8Array;
  readonly reference: (model: string) => ModelReference | undefined;
  readonly referenceRevision: () => number;
  readonly judge: (record: TerminalRecord, now: number) => JudgedVerdict;
  readonly log: EndpointLog;
  readonly metrics: EndpointMetrics;
}
