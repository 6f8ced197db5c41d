import type { Plain } from '../format/plain.ts';

/** An implementation may answer at once or later (another process, WebAssembly). */
export type Answer<T> = T | Promise<T>;

/** A decoded input: its value as vectors write it, and its encoding by the implementation's own writer. */
export interface Parsed {
  readonly value: Plain;
  readonly encoded: Uint8Array;
}

export type TpmStructure = 'attest' | 'public' | 'signature' | 'pcr-selection';

export interface PcrDigestQuestion {
  /** TPML_PCR_SELECTION */
  readonly selection: Uint8Array;
  /** hash of the signing scheme */
  readonly hash: string;
  /** values by bank and index */
  readonly values: ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;
}

export interface SignatureQuestion {
  /** SubjectPublicKeyInfo (DER) */
  readonly spki: Uint8Array;
  readonly message: Uint8Array;
  /** 64 bytes where it is well-formed: Ed25519, or r and s */
  readonly signature: Uint8Array;
}

export interface QuoteQuestion {
  /** TPMT_PUBLIC of the AK */
  readonly public: Uint8Array;
  readonly qualifiedSigner: Uint8Array;
  readonly selection: Uint8Array;
  readonly qualifyingData: Uint8Array;
  readonly pcrDigest: Uint8Array;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Binding {
  readonly type: string;
  readonly value: Uint8Array;
}

export interface ContextQuestion {
  readonly purpose: string;
  readonly challengeDigest: Uint8Array;
  readonly binding: Binding;
  readonly audience: string;
  readonly terminal: string;
  readonly compartment: string;
  readonly ownershipEpoch: bigint;
  readonly akName: Uint8Array;
  readonly claimsDigest: Uint8Array;
  readonly keyToBind: Uint8Array | undefined;
}

export interface HelloQuestion {
  readonly spki: Uint8Array;
  readonly nonce: Uint8Array;
  readonly binding: Binding;
  readonly audience: string;
  readonly terminal: string;
  readonly signature: Uint8Array;
}

export interface LogPoint {
  readonly count: number;
  /** 24 values of the SHA-256 bank, 768 bytes */
  readonly pcrs: Uint8Array;
}

export interface ReplayQuestion {
  /** undefined where the log begins with these slices */
  readonly start: LogPoint | undefined;
  readonly slices: readonly Uint8Array[];
}

export interface ManifestSignatureQuestion extends SignatureQuestion {
  readonly algorithm: string;
  readonly keyId: Uint8Array;
}

export interface ImaQuestion {
  readonly rule: 'per-bank' | 'padded';
}

export interface CelQuestion {
  readonly encoding: 'tlv' | 'json';
  readonly numbering: 'per-index' | 'global';
}

export type Side = 'terminal' | 'verifier';

/** What a verifier accepted of a terminal before; the fields of SPEC.md 7.3. */
export interface AcceptedBefore extends LogPoint {
  readonly clock: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
  readonly auditCounter: bigint;
  readonly release: number;
  readonly listDigest: Uint8Array;
  /** entries of the IMA list accepted and seen; undefined stands for 0 */
  readonly imaCount: number | undefined;
  readonly imaSeen: number | undefined;
  /** whether the release lists today what it listed when those events were appraised */
  readonly referenceUnchanged: boolean;
}

export interface AppraisalQuestion {
  readonly terminal: string;
  readonly compartment: string;
  readonly ownershipEpoch: bigint;
  /** TPMT_PUBLIC of the enrolled AK, and its qualified Name */
  readonly public: Uint8Array;
  readonly qualifiedName: Uint8Array;
  /** the manifest's payload, its signature already verified; undefined where the operator has none for the model */
  readonly manifest: Uint8Array | undefined;
  /** the challenge message as sent */
  readonly challenge: Uint8Array;
  readonly binding: Binding;
  readonly audience: string;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly claims: Uint8Array;
  /** the log from the challenge's cursor on */
  readonly slices: readonly Uint8Array[];
  /** the component lists at hand, encoded */
  readonly lists: readonly Uint8Array[];
  /** values of the selected PCRs, where the challenge asks for logs of the platform */
  readonly pcrs: Uint8Array | undefined;
  /** the firmware log, where one came */
  readonly firmware: Uint8Array | undefined;
  /** the IMA list from the entry on that the challenge names, where one came */
  readonly ima: Uint8Array | undefined;
  readonly previous: AcceptedBefore | undefined;
  /** wall clock, milliseconds since 1970 */
  readonly now: number;
}

export interface Appraised {
  readonly verdict: string;
  /** codes of the findings, each once */
  readonly codes: readonly string[];
}

/**
 * What is held against the vectors: one function for each test type, named as in README.md. A function that is absent leaves its vectors
 * undecided, which the run says. Bad input is refused by throwing an object with `code` and, for parsers, `offset`; anything else that is
 * thrown is a defect of the implementation.
 */
export interface Implementation {
  readonly name: string;
  /** signature algorithms that it has; absent means all of `ecdsa-p256`, `ed25519`, `rsassa`, `rsapss` */
  readonly algorithms?: readonly string[];
  codec?(input: Uint8Array): Answer<Parsed>;
  tpmStructure?(structure: TpmStructure, input: Uint8Array): Answer<Parsed>;
  /** Name of a TPMT_PUBLIC, and its qualified Name as a primary key of that hierarchy */
  names?(
    area: Uint8Array,
    hierarchy: number,
  ): Answer<{ readonly name: Uint8Array; readonly qualifiedName: Uint8Array }>;
  pcrDigest?(question: PcrDigestQuestion): Answer<Uint8Array>;
  /** the scheme and hash of an AK's public area whose key can be used */
  attestationKey?(area: Uint8Array): Answer<{ readonly algorithm: string; readonly hash: string }>;
  signature?(question: SignatureQuestion): Answer<boolean>;
  /** clockInfo and firmwareVersion of a quote that holds */
  quote?(question: QuoteQuestion): Answer<Plain>;
  qualifyingData?(context: ContextQuestion): Answer<Uint8Array>;
  /** the digest that the session key signs, and whether it signed it */
  hello?(question: HelloQuestion): Answer<{ readonly digest: Uint8Array; readonly verified: boolean }>;
  claims?(input: Uint8Array): Answer<Parsed>;
  componentList?(input: Uint8Array): Answer<Parsed>;
  /** a slice of whole records */
  records?(input: Uint8Array): Answer<Parsed>;
  event?(pcr: number, content: Uint8Array): Answer<Parsed>;
  replay?(question: ReplayQuestion): Answer<LogPoint & { readonly prefix: Uint8Array }>;
  /** what logs of other software lead to: counts, and the PCRs of the banks sha1 and sha256 that moved */
  tcgLog?(input: Uint8Array): Answer<Plain>;
  imaList?(rule: ImaQuestion['rule'], input: Uint8Array): Answer<Plain>;
  imaSignature?(input: Uint8Array): Answer<Plain>;
  celLog?(question: CelQuestion, input: Uint8Array): Answer<Plain>;
  message?(from: Side, input: Uint8Array): Answer<Parsed>;
  enrolmentToken?(text: string): Answer<{ readonly value: Plain; readonly encoded: string }>;
  signedManifest?(input: Uint8Array): Answer<Parsed>;
  manifest?(payload: Uint8Array): Answer<Parsed>;
  manifestSignature?(question: ManifestSignatureQuestion): Answer<boolean>;
  /** the state after these inputs */
  session?(side: Side, start: string, inputs: readonly string[]): Answer<string>;
  appraisal?(question: AppraisalQuestion): Answer<Appraised>;
}
