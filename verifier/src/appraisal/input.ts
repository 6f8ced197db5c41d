import type {
  ChannelBinding,
  ClockReading,
  ComponentList,
  Purpose,
  ReferenceComponent,
  VerificationKey,
} from '@mtm-attest/protocol';
import type { LogFacts } from './log-facts.ts';

/** What the verifier accepted of a terminal's present boot: floors, and the point from which its log goes on. */
export interface AcceptedState extends ClockReading {
  /** events accepted */
  readonly count: number;
  /** 24 values of the SHA-256 bank after those events, 768 bytes */
  readonly pcrs: Uint8Array;
  readonly auditCounter: bigint;
  readonly release: number;
  /** digest of the component list last appraised, 32 bytes */
  readonly listDigest: Uint8Array;
  /** digest of the Reference Values that all those events were appraised against, 32 bytes; zeros for none */
  readonly referenceDigest: Uint8Array;
}

/** A challenge that was open on the connection when its evidence came. */
export interface ChallengeFacts {
  readonly purpose: Purpose;
  readonly nonce: Uint8Array;
  /** SHA-256 of the challenge as sent */
  readonly digest: Uint8Array;
  /** TPML_PCR_SELECTION as sent */
  readonly selection: Uint8Array;
  /** PCRs of the SHA-256 bank in that selection, ascending */
  readonly selectedPcrs: readonly number[];
}

export interface EvidenceBytes {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly claims: Uint8Array;
}

export interface EnrolmentFacts {
  readonly terminal: string;
  readonly compartment: string;
  readonly ownershipEpoch: bigint;
  readonly akName: Uint8Array;
  readonly qualifiedName: Uint8Array;
  /** imported once, when the connection was proven */
  readonly akKey: VerificationKey;
}

/** One release of a manifest, ready for look-ups. */
export interface ReleaseReference {
  readonly release: number;
  readonly version: string;
  readonly acceptedUntil: number | undefined;
  /** SHA-256 over the components, 32 bytes: what was appraised against another one is appraised again */
  readonly digest: Uint8Array;
  readonly components: ReadonlyMap<string, ReferenceComponent>;
}

/** The Reference Values of one model of terminal: the newest manifest. */
export interface ModelReference {
  /** rises with every change of any manifest of the operator */
  readonly revision: number;
  readonly issuer: string;
  readonly model: string;
  readonly sequence: number;
  readonly minimum: number;
  readonly releases: ReadonlyMap<number, ReleaseReference>;
}

/** Everything that the appraisal looks at. It reads nothing else: no clock, no store, no network. */
export interface AppraisalInput {
  readonly challenge: ChallengeFacts;
  readonly evidence: EvidenceBytes;
  readonly binding: ChannelBinding;
  readonly audience: string;
  readonly enrolment: EnrolmentFacts;
  readonly log: LogFacts;
  /** lists that the audits of the log name, by hexadecimal digest; one that is not here is `list.missing` */
  readonly lists: ReadonlyMap<string, ComponentList>;
  readonly reference: ModelReference | undefined;
  readonly previous: AcceptedState | undefined;
  /** wall clock, milliseconds since 1970 */
  readonly now: number;
}
