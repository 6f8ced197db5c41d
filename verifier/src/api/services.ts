import type { Health } from '../daemon/health.ts';
import type { Metrics } from '../daemon/metrics.ts';
import type { TerminalRecord } from '../endpoint/terminal-record.ts';
import type { JudgedVerdict } from '../liveness/verdict.ts';
import type { ReferenceValues } from '../reference/reference-values.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import type { Database } from '../store/open.ts';

/** What enrolment tokens say of this verifier. */
export interface EnrolmentAddress {
  /** `wss://host:port/path` */
  readonly url: string;
  /** SHA-256 of the root certificate's SubjectPublicKeyInfo, 32 bytes */
  readonly rootDigest: Uint8Array;
  /** time in which a token must be used, milliseconds */
  readonly lifeMs: number;
}

/** Everything that the HTTP API is made of. */
export interface ApiServices {
  readonly version: string;
  readonly operator: string;
  readonly db: Database;
  readonly group: GroupCommit;
  readonly references: ReferenceValues;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly enrolment: EnrolmentAddress;
  /** SHA-256 of the API token, 32 bytes */
  readonly tokenDigest: Uint8Array;
  /** wall clock that never goes back, milliseconds since 1970 */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly judge: (record: TerminalRecord, now: number) => JudgedVerdict;
  /** Challenges a terminal at once. @returns false where it is not connected to this process */
  readonly auditNow: (terminal: string) => boolean;
  /** whether a proven connection of the terminal is open in this process */
  readonly isConnected: (terminal: string) => boolean;
}
