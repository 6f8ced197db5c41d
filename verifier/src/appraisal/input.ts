import type {
  ChannelBinding,
  ClockReading,
  ComponentList,
  FirmwareReference,
  ImaKey,
  ImaRule,
  Purpose,
  ReferenceComponent,
  VerificationKey,
} from '@mtm-attest/protocol';
import type { FirmwareFacts } from './firmware-facts.ts';
import type { ImaFacts } from './ima-facts.ts';
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
  /** entries of the IMA list that PCR 10 covers; 0 without IMA */
  readonly imaCount: number;
  /** entries of the IMA list that were seen in this boot, which the next quote must cover; 0 without IMA */
  readonly imaSeen: number;
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
  /** whether it asks for the firmware log */
  readonly firmware?: boolean | undefined;
  /** entry from which on it asks for the IMA list; undefined where it does not */
  readonly ima?: number | undefined;
}

export interface EvidenceBytes {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly claims: Uint8Array;
  /** values of the selected PCRs, where the challenge asks for logs of the platform */
  readonly pcrs?: Uint8Array | undefined;
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

/** What a firmware log may hold, by firmwareKey. */
export type FirmwareAllowed = ReadonlyMap<string, FirmwareReference>;

/** What an IMA list may hold. Paths are bytes, one character each. */
export interface ImaAllowed {
  /** the same for the same Reference Values */
  readonly id: string;
  readonly rule: ImaRule;
  /** hexadecimal digests by path */
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
  readonly keys: readonly ImaKey[];
  /** beginnings of paths */
  readonly excludes: readonly string[];
  readonly violations: boolean;
}

export interface PlatformAllowed {
  readonly firmware: FirmwareAllowed | undefined;
  readonly ima: ImaAllowed | undefined;
  /** PCRs that these values speak of, ascending: a quote must cover them */
  readonly pcrs: readonly number[];
}

/** One release of a manifest, ready for look-ups. */
export interface ReleaseReference {
  readonly release: number;
  readonly version: string;
  readonly acceptedUntil: number | undefined;
  /** SHA-256 over components and platform, 32 bytes: what was appraised against another one is appraised again */
  readonly digest: Uint8Array;
  readonly components: ReadonlyMap<string, ReferenceComponent>;
  readonly platform?: PlatformAllowed | undefined;
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

/** An IMA list, folded against what one release allowed. */
export interface AppraisedList {
  /** digest of that release's Reference Values then */
  readonly referenceDigest: Uint8Array;
  readonly facts: ImaFacts;
}

/** Everything that the appraisal looks at. It reads nothing else: no clock, no store, no network. */
export interface AppraisalInput {
  readonly challenge: ChallengeFacts;
  readonly evidence: EvidenceBytes;
  readonly binding: ChannelBinding;
  readonly audience: string;
  readonly enrolment: EnrolmentFacts;
  readonly log: LogFacts;
  /** the firmware log, where one was asked for and sent */
  readonly firmware?: FirmwareFacts | undefined;
  /** the IMA list, where one was asked for and sent, by the release that it was held against */
  readonly ima?: ReadonlyMap<number, AppraisedList> | undefined;
  /** lists that the audits of the log name, by hexadecimal digest; one that is not here is `list.missing` */
  readonly lists: ReadonlyMap<string, ComponentList>;
  readonly reference: ModelReference | undefined;
  readonly previous: AcceptedState | undefined;
  /** wall clock, milliseconds since 1970 */
  readonly now: number;
}
