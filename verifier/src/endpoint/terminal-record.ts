import type { BootIdentity, TerminalClass } from '@mtm-attest/protocol';
import type { AcceptedState } from '../appraisal/input.ts';
import type { Standing } from '../liveness/verdict.ts';

/** What the store knows of one enrolled terminal: who it is, where it stands, what was accepted of it. */
export interface TerminalRecord extends Standing {
  readonly terminal: string;
  readonly class: TerminalClass;
  readonly model: string;
  /** TPMT_PUBLIC */
  readonly akPublic: Uint8Array;
  readonly akName: Uint8Array;
  readonly qualifiedName: Uint8Array;
  /** SubjectPublicKeyInfo (DER) */
  readonly sessionKey: Uint8Array;
  /** Name of the endorsement key beside which the AK was proven, if any */
  readonly ekName: Uint8Array | undefined;
  readonly enrolledAt: number;
  readonly admission: 'enrolled' | 'admitted' | 'suspended';
  /** raised by every proven connection; results of an older one never commit */
  readonly session: number;
  /** raised by every commit; a result commits only on the version it was appraised on */
  readonly version: number;
  readonly nextAuditAt: number;
  readonly accepted: AcceptedState | undefined;
  /** the boot that the terminal named last, where no quote has verified since */
  readonly announcedBoot: BootIdentity | undefined;
}
